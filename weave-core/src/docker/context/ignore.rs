//! The rules of a `.dockerignore`, judged as the docker client judges them.
//!
//! The last rule that fits decides, and what is in a directory that a rule fits is fitted by that rule too. These are
//! not git's rules: a rule without a slash fits at the top only, and a directory that is left out may hold what is
//! taken back in.

use regex_lite::{Regex, escape};

use crate::{Error, Result};

/// The file with the rules.
pub(crate) const FILE: &str = ".dockerignore";

/// The rules, in their order.
#[derive(Debug, Default)]
pub(crate) struct Ignore(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    /// The path pattern, without `!`.
    text: String,
    /// Whether it takes back in.
    exception: bool,
    pattern: Regex,
}

/// Which rules fit a directory, so that they need not be asked for what is in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fitting(Vec<bool>);

impl Ignore {
    /// Reads the text of a `.dockerignore`.
    ///
    /// # Errors
    /// `InvalidSpec` for a pattern that is none.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rules = Self::default();
        // A `#` after blanks is part of a name.
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let line = line.trim();
            let (exception, path) = match line.strip_prefix('!') {
                Some(path) => (true, path.trim()),
                None => (false, line),
            };
            if line.is_empty() {
                continue;
            }
            let wrong = |why: &str| {
                let message = format!("line {}, `{line}`, {why}; allowed: paths with `*`, `?`, `[a-z]`, `**`", at + 1);
                Error::invalid(FILE, message)
            };
            if path.is_empty() {
                return Err(wrong("takes nothing back in"));
            }
            let path = clean(path);
            let path = path.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&path).to_owned();
            rules.0.push(Rule::new(path, exception).ok_or_else(|| wrong("is no pattern"))?);
        }
        Ok(rules)
    }

    /// Takes `path` back in, if it is left out: what the engine cannot do without.
    pub(crate) fn keep(&mut self, path: &str) {
        let mut fitting = Fitting::default();
        for (at, _) in path.match_indices('/') {
            (_, fitting) = self.judge(&path[..at], &fitting);
        }
        let (left_out, _) = self.judge(path, &fitting);
        if left_out && let Ok(pattern) = Regex::new(&format!("^{}$", escape(path))) {
            self.0.push(Rule { text: path.to_owned(), exception: true, pattern });
        }
    }

    /// Whether `path` is left out, given the rules that fit its directory.
    pub(crate) fn judge(&self, path: &str, above: &Fitting) -> (bool, Fitting) {
        let mut left_out = false;
        let mut fitting = vec![false; self.0.len()];
        for (at, rule) in self.0.iter().enumerate() {
            let inherited = above.0.get(at).copied().unwrap_or_default();
            // The client does not ask a rule that would change nothing, and remembers for what is in a directory that
            // it did not fit.
            fitting[at] = inherited || (rule.exception == left_out && rule.pattern.is_match(path));
            if fitting[at] {
                left_out = !rule.exception;
            }
        }
        (left_out, Fitting(fitting))
    }

    /// Whether something in `directory`, which is left out, may be taken back in: only rules that begin with its path
    /// count.
    pub(crate) fn may_take_from(&self, directory: &str) -> bool {
        let inside = format!("{directory}/");
        self.0.iter().any(|rule| rule.exception && format!("{}/", rule.text).starts_with(&inside))
    }
}

impl Rule {
    fn new(text: String, exception: bool) -> Option<Self> {
        let pattern = Regex::new(&translate(&text)?).ok()?;
        Some(Self { text, exception, pattern })
    }
}

/// A path without empty parts, `.` and `..`, as far as that can be said without looking.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.as_str()) {
        (true, _) => format!("/{joined}"),
        (false, "") => ".".to_owned(),
        _ => joined,
    }
}

/// A pattern as a regular expression; nothing where it is none.
fn translate(text: &str) -> Option<String> {
    // Only `**` in front of plain letters reaches into the middle of a name: `**.go`, but not `**.g?`.
    let plain = |rest: &str| !rest.contains(['*', '?', '[', ']', '\\']);
    if let Some(rest) = text.strip_prefix("**").filter(|rest| !rest.starts_with('/') && plain(rest)) {
        return Some(format!("^.*{}$", escape(rest)));
    }
    let mut regex = "^".to_owned();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.next_if_eq(&'*').is_some() => {
                letters.next_if_eq(&'/');
                regex.push_str(if letters.peek().is_some() { "(?:.*/)?" } else { ".*" });
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '[' => regex.push_str(&class(&mut letters)?),
            '\\' => regex.push_str(&escape(letters.next()?.encode_utf8(&mut [0; 4]))),
            letter => regex.push_str(&escape(letter.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push('$');
    Some(regex)
}

/// The letters of `[a-z]`, after the bracket.
fn class(letters: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut letters = letters.by_ref();
    let mut regex = "[".to_owned();
    let mut letter = letters.next()?;
    if letter == '^' {
        regex.push('^');
        letter = letters.next()?;
    }
    let mut first = true;
    while letter != ']' || first {
        let from = bound(letter, &mut letters)?;
        letter = letters.next()?;
        let to = if letter == '-' {
            let to = letters.next()?;
            let to = bound(to, &mut letters)?;
            letter = letters.next()?;
            to
        } else {
            from
        };
        if to < from {
            return None;
        }
        // Any letter can be written by its number, whatever it means to a regular expression.
        regex.push_str(&format!("\\x{{{:x}}}-\\x{{{:x}}}", u32::from(from), u32::from(to)));
        first = false;
    }
    regex.push(']');
    Some(regex)
}

/// An end of a range, which may not be a bracket or a dash unless a backslash stands before it.
fn bound(letter: char, letters: &mut impl Iterator<Item = char>) -> Option<char> {
    match letter {
        '\\' => letters.next(),
        '-' | ']' => None,
        letter => Some(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `path` is left out, asking for its directories first.
    fn left_out(rules: &Ignore, path: &str) -> bool {
        let mut fitting = Fitting::default();
        for (at, _) in path.match_indices('/') {
            (_, fitting) = rules.judge(&path[..at], &fitting);
        }
        rules.judge(path, &fitting).0
    }

    #[test]
    fn patterns_fit_as_those_of_the_client() {
        for (pattern, fits, others) in [
            ("a", &["a", "a/b", "a/b/c"][..], &["b/a", "ab", "A"][..]),
            ("/a", &["a", "a/b"], &["b/a"]),
            ("./a/", &["a", "a/b"], &["b/a"]),
            ("a//b/../c", &["a/c"], &["a/b", "a"]),
            ("*", &["a", "a/b", ".git"], &[]),
            ("*.md", &["x.md", ".md"], &["a/x.md", "xmd"]),
            ("*/*.md", &["a/x.md"], &["x.md", "a/b/x.md"]),
            ("*/temp*", &["a/temp", "a/temp.txt", "a/temporary/x"], &["temp", "a/b/temp"]),
            ("temp?", &["temp1", "tempé"], &["temp", "temp12", "temp/"]),
            ("**", &["a", "a/b"], &[]),
            ("**/a", &["a", "b/a", "b/c/a/d"], &["ba", "a.b"]),
            ("**/*.go", &["x.go", "a/b/x.go"], &["x.gob"]),
            ("**.go", &["x.go", "a/b/x.go", ".go"], &["x.gob"]),
            ("**foo", &["foo", "barfoo", "a/barfoo"], &["foobar"]),
            ("**f*", &["foo", "a/foo"], &["bar", "barfoo"]),
            ("a/**", &["a/b", "a/b/c"], &["a", "b/a"]),
            ("a**", &["a", "ab", "ab/c", "a/b"], &["ba"]),
            ("a/**/b", &["a/b", "a/c/b", "a/c/d/b"], &["a", "b", "a/bc"]),
            ("**/a/**", &["a/b", "x/a/b"], &["a", "x/a"]),
            ("[a-c]x", &["ax", "cx"], &["dx", "x", "-x"]),
            ("[^a-c]x", &["dx", "-x"], &["ax", "x"]),
            ("[\\]a]", &["]", "a"], &["b"]),
            ("[.]", &["."], &["a"]),
            ("a.b", &["a.b"], &["axb"]),
            ("a+(b)$^|{1}", &["a+(b)$^|{1}"], &["ab"]),
            ("\\*", &["*"], &["a"]),
            ("  # a ", &["# a"], &["a"]),
            ("\u{feff}a", &["a"], &[]),
            ("a b", &["a b"], &["a"]),
        ] {
            let rules = Ignore::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            for path in fits {
                assert!(left_out(&rules, path), "{pattern} should fit {path}");
            }
            for path in others {
                assert!(!left_out(&rules, path), "{pattern} should not fit {path}");
            }
        }
    }

    #[test]
    fn the_last_rule_that_fits_decides() {
        let rules = Ignore::parse("# all but\n*\r\n!src\n\nsrc/*.log\n! src/keep.log \n").expect("rules");
        for (path, wanted) in [
            ("a", true),
            ("src", false),
            ("src/a.c", false),
            ("src/a.log", true),
            ("src/keep.log", false),
            ("src/b/a.log", false),
        ] {
            assert_eq!(left_out(&rules, path), wanted, "{path}");
        }
        assert!(rules.may_take_from("src"));
        assert!(!rules.may_take_from("sr"));
        assert!(!rules.may_take_from("a"));
    }

    #[test]
    fn what_is_kept_is_taken_back_in_and_nothing_else() {
        let mut rules = Ignore::parse("docker\n.*").expect("rules");
        rules.keep("docker/Web");
        rules.keep(FILE);
        rules.keep("Dockerfile");
        assert!(!left_out(&rules, "docker/Web") && !left_out(&rules, FILE));
        assert!(left_out(&rules, "docker/Other") && left_out(&rules, ".git"));
        assert!(rules.may_take_from("docker"));
        assert_eq!(rules.0.len(), 4, "what is not left out needs no rule");
    }

    #[test]
    fn what_is_no_pattern_is_named_with_its_line() {
        for line in ["[", "[]", "[a", "[a-", "[b-a]", "[-a]", "a\\", "!"] {
            let error = Ignore::parse(&format!("ok\n{line}")).expect_err(line);
            assert_eq!(error.subject(), FILE, "{line}");
            assert!(error.message().contains(&format!("line 2, `{line}`")), "{error}");
        }
    }
}
