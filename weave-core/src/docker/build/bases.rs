//! The images that a Dockerfile builds upon or copies from, as far as its text tells.

use std::collections::BTreeSet;

/// The images of other people that `dockerfile` names; `None` where a variable stands for one, since its value may come
/// from anywhere.
pub(super) fn bases(dockerfile: &str) -> Option<BTreeSet<String>> {
    let (mut bases, mut stages, mut names) = (BTreeSet::new(), 0, BTreeSet::new());
    for line in instructions(dockerfile) {
        let mut words = line.split_whitespace();
        let instruction = words.next().unwrap_or_default().to_ascii_uppercase();
        let (flags, words): (Vec<&str>, Vec<&str>) = words.partition(|word| word.starts_with("--"));
        let image = match instruction.as_str() {
            "FROM" => words.first().copied(),
            "COPY" => flags.iter().find_map(|flag| flag.strip_prefix("--from=")),
            _ => None,
        };
        if let Some(image) = image {
            let known = image == "scratch" || names.contains(&image.to_lowercase());
            let number = instruction == "COPY" && image.parse::<usize>().is_ok_and(|number| number < stages);
            if image.contains('$') {
                return None;
            }
            if !known && !number {
                bases.insert(image.to_owned());
            }
        }
        if instruction == "FROM" {
            stages += 1;
            if let [_, word, name, ..] = words[..]
                && word.eq_ignore_ascii_case("as")
            {
                names.insert(name.to_lowercase());
            }
        }
    }
    Some(bases)
}

/// One line for each instruction: those that are continued are put together, comments are left out.
fn instructions(dockerfile: &str) -> Vec<String> {
    let (mut whole, mut begun) = (Vec::new(), String::new());
    let text = dockerfile.strip_prefix('\u{feff}').unwrap_or(dockerfile);
    let escape = escape(text);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_suffix(escape) {
            Some(part) => begun.push_str(part),
            None => whole.push(std::mem::take(&mut begun) + line),
        }
    }
    whole.push(begun);
    whole
}

/// What continues a line: a backslash, unless a comment at the very beginning says otherwise.
fn escape(dockerfile: &str) -> char {
    let comments = dockerfile.lines().map_while(|line| line.trim().strip_prefix('#'));
    let directives = comments.map_while(|comment| comment.split_once('='));
    let mut escapes = directives.filter(|(name, _)| name.trim().eq_ignore_ascii_case("escape"));
    escapes.next().and_then(|(_, value)| value.trim().chars().next()).unwrap_or('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_that_a_dockerfile_names() {
        for (dockerfile, wanted) in [
            ("", Some(&[][..])),
            ("FROM scratch\nCOPY a b\n", Some(&[])),
            ("FROM busybox", Some(&["busybox"])),
            (
                "from --platform=linux/arm64 db1:5000/base:1 as build\nRUN make\nFROM build\n",
                Some(&["db1:5000/base:1"]),
            ),
            ("FROM a AS One\nFROM b\nCOPY --from=one /x /\nCOPY --from=0 /x /\nCOPY --from=1 /x /", Some(&["a", "b"])),
            ("FROM a\nCOPY --chown=0 --from=db1/tools:2 /x /y\n", Some(&["a", "db1/tools:2"])),
            // It is a stage only once it was begun.
            ("FROM b\nFROM a AS b\nCOPY --from=7 / /", Some(&["7", "a", "b"])),
            ("# FROM no\n  FROM \\\n  # a comment\n\n  db1/base \\\n AS x\nFROM x", Some(&["db1/base"])),
            ("# escape=`\nFROM `\n a\nRUN dir c:\\\nFROM b", Some(&["a", "b"])),
            ("# a comment\n# escape=`\nFROM \\\n a", Some(&["a"])),
            ("RUN echo FROM no\nFROM yes", Some(&["yes"])),
            ("ARG BASE=busybox\nFROM $BASE", None),
            ("FROM a\nFROM db1/${NAME}:1", None),
        ] {
            let wanted = wanted.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(bases(dockerfile), wanted, "{dockerfile}");
        }
    }
}
