# @summary An absolute path.
type Weave::Path = Pattern[/\A\//]
