# @summary Whether weave is on a host; `purged` is another word for `absent`.
type Weave::Ensure = Enum['present', 'absent', 'purged']
