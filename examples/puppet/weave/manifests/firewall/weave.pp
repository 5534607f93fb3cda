# @summary Has no meaning any more: weave keeps its rules in a table of its own.
class weave::firewall::weave {
  warning('weave::firewall::weave: is not used: weave keeps its rules in a table of its own; take it out of your manifests')
}
