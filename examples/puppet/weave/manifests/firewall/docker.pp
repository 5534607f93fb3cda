# @summary Has no meaning any more: the engine keeps its rules itself.
class weave::firewall::docker {
  warning('weave::firewall::docker: is not used: the engine keeps its rules itself; take it out of your manifests')
}
