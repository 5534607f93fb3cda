# Each host takes its own part of the fleet's document, which stands in pillar. It is looked at as a whole before
# anything is touched, also with `test=True`.

the private network of all hosts:
  weave.fleet_applied:
    - document: {{ pillar['weave'] | json }}
    - host: {{ grains['id'] }}          # leave it out where hosts are named as in the document, or have its addresses
