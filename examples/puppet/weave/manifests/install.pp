# @summary The command `weave`, where it is to be copied, and a word about what has no meaning any more.
#
# @api private
class weave::install {
  $script = [$weave::script, $weave::weave, '/usr/local/bin/weave'].filter |$path| { $path =~ NotUndef }

  if $weave::source {
    file { $script[0]:
      ensure => file,
      source => $weave::source,
      owner  => 'root',
      group  => 'root',
      mode   => '0755',
    }
  } elsif $script[0] != '/usr/local/bin/weave' {
    warning("weave::script: '${script[0]}' is not used: the command is found through PATH, and copied only where weave::source is given")
  }

  # Each with its usual value, of which nothing is said.
  [
    ['docker', $weave::docker, '/usr/bin/docker', 'weave talks to the engine itself'],
    ['container', $weave::container, 'weave', 'the kernel carries the frames, and no router runs in a container'],
    ['weave_container', $weave::weave_container, 'weave', 'the kernel carries the frames, and no router runs in a container'],
    ['image', $weave::image, 'zettio/weave', 'the kernel carries the frames, and no router runs from an image'],
    ['weave_image', $weave::weave_image, 'zettio/weave', 'the kernel carries the frames, and no router runs from an image'],
    ['weave_image_tag', $weave::weave_image_tag, 'latest', 'the kernel carries the frames, and no router runs from an image'],
  ].each |$old| {
    $given = $old[1]
    if $given =~ NotUndef and $given != $old[2] {
      warning("weave::${old[0]}: '${given}' is not used: ${old[3]}; take it out of your data")
    }
  }
}
