# Which data are for which hosts: the same document for all of them.

base:
  '*': [weave]
