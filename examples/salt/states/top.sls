# Which states are for which hosts.

base:
  '*': [weave]
