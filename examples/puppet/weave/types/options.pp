# @summary Options of `docker run`: a line, a list of lines, or a hash; all of it or a value in it may be Sensitive.
type Weave::Options = Variant[
  String,
  Array[Variant[String, Sensitive[String]]],
  Hash,
  Sensitive[Variant[String, Array[String], Hash]],
]
