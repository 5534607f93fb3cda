# @summary Yes or no; data of 2014 had both as texts, too.
type Weave::Switch = Variant[Boolean, Enum['true', 'false']]
