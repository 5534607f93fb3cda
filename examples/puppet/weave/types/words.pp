# @summary A list, or one text that holds one, separated by blanks or commas.
type Weave::Words = Variant[String, Array[String]]
