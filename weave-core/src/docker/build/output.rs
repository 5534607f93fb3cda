//! What the builder says while it works: the step it is at, warnings, and what a step printed last.

use std::collections::VecDeque;

use bollard::models::BuildInfo;

use crate::{Error, ErrorKind};

/// How many lines of a step are kept for an error, and how much of each.
const LINES: usize = 8;
const WIDTH: usize = 240;

/// What was said so far, as far as it is of use.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// The step that is being done: `Step 3/5 : RUN make`.
    step: Option<String>,
    /// The last lines of that step.
    last: VecDeque<String>,
    /// A line whose end has not come.
    begun: String,
    /// What the builder warned of.
    pub(super) warnings: Vec<String>,
}

impl Output {
    /// Takes what was said; when a step begins, how many are done of how many.
    pub(super) fn take(&mut self, told: &BuildInfo) -> Option<(usize, usize)> {
        let mut progress = None;
        self.begun.push_str(told.stream.as_deref().unwrap_or_default());
        while let Some(end) = self.begun.find('\n') {
            let line: String = self.begun.drain(..=end).collect();
            progress = self.line(&line).or(progress);
        }
        // Bars and spinners have no end of line.
        if self.begun.len() > WIDTH * 16 {
            self.begun.clear();
        }
        progress
    }

    /// The instruction of the step that is being done: `RUN make`.
    pub(super) fn instruction(&self) -> Option<&str> {
        Some(self.step.as_deref()?.split_once(" : ")?.1)
    }

    /// The image that is being built upon, while that is the step that is being done.
    pub(super) fn base(&self) -> Option<&str> {
        let mut words = self.instruction()?.split_whitespace();
        let is_from = words.next().is_some_and(|word| word.eq_ignore_ascii_case("from"));
        words.find(|word| !word.starts_with("--")).filter(|_| is_from)
    }

    /// Whether nothing was said yet.
    pub(super) fn is_empty(&self) -> bool {
        self.step.is_none()
    }

    fn line(&mut self, line: &str) -> Option<(usize, usize)> {
        // Of what overwrites itself the last state counts.
        let line = line.trim_end();
        let line = line.rsplit('\r').next().unwrap_or_default();
        let line: String = plain(line).chars().take(WIDTH).collect();
        tracing::debug!(%line, "build");
        if let Some(warning) = line.strip_prefix("[Warning] ") {
            self.warnings.push(warning.to_owned());
        } else if let Some(progress) = step(&line) {
            self.step = Some(line);
            self.last.clear();
            return Some(progress);
        } else if !line.is_empty() && !line.starts_with(" ---> ") {
            if self.last.len() == LINES {
                self.last.pop_front();
            }
            self.last.push_back(line);
        }
        None
    }

    /// The error of a build that the builder gave up.
    pub(super) fn failed(mut self, why: &str) -> Error {
        let rest = std::mem::take(&mut self.begun);
        self.line(&rest);
        let why = plain(why.trim());
        let mut message = match &self.step {
            Some(step) => format!("{step}: {why}"),
            None => why,
        };
        if !self.last.is_empty() {
            let lines: Vec<String> = self.last.into_iter().collect();
            message.push_str(&format!("; it printed last: {}", lines.join(" | ")));
        }
        Error::new(ErrorKind::Docker, "", message)
    }
}

/// `Step 3/5 : RUN make`: two steps are done, of five.
fn step(line: &str) -> Option<(usize, usize)> {
    let (numbers, _) = line.strip_prefix("Step ")?.split_once(" : ")?;
    let (at, of) = numbers.split_once('/')?;
    let (at, of): (usize, usize) = (at.parse().ok()?, of.parse().ok()?);
    Some((at.checked_sub(1)?, of))
}

/// Text without colours and other control characters.
pub(in crate::docker) fn plain(text: &str) -> String {
    let mut letters = text.chars();
    let mut plain = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            // A sequence ends with its first letter.
            '\u{1b}' => drop(letters.by_ref().find(char::is_ascii_alphabetic)),
            '\t' => plain.push(' '),
            '\n' => plain.push_str(" | "),
            letter if letter.is_control() => {}
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(output: &mut Output, text: &str) -> Option<(usize, usize)> {
        output.take(&BuildInfo { stream: Some(text.to_owned()), ..BuildInfo::default() })
    }

    #[test]
    fn a_failure_names_its_step_and_what_it_printed_last() {
        let mut output = Output::default();
        assert!(output.is_empty());
        assert_eq!(told(&mut output, "Step 1/3 : FROM busybox"), None);
        assert_eq!(told(&mut output, "\n ---> 3f2a\n"), Some((0, 3)));
        assert_eq!(told(&mut output, "of the first step\nStep 2/3 : RUN make\n"), Some((1, 3)));
        told(&mut output, " ---> Running in 0123\n");
        for number in 1..10 {
            told(&mut output, &format!("line {number}\n"));
        }
        told(&mut output, "10%\r\u{1b}[31m50%\u{1b}[0m\r\n\tmake: *** no");
        let error = output.failed("The command '/bin/sh -c make' returned a non-zero code: 2\n");
        assert_eq!(error.kind(), ErrorKind::Docker);
        assert_eq!(
            error.to_string(),
            "Step 2/3 : RUN make: The command '/bin/sh -c make' returned a non-zero code: 2; it printed last: \
             line 4 | line 5 | line 6 | line 7 | line 8 | line 9 | 50% |  make: *** no"
        );
    }

    #[test]
    fn a_failure_before_the_first_step_is_the_builders_own_words() {
        let error = Output::default().failed("dockerfile parse error line 1: unknown instruction: FORM");
        assert_eq!(error.to_string(), "dockerfile parse error line 1: unknown instruction: FORM");
    }

    #[test]
    fn warnings_are_kept() {
        let mut output = Output::default();
        told(&mut output, "Step 1/1 : FROM scratch\n[Warning] One or more build-args [A] were not consumed\n");
        told(&mut output, "Step x/1 : no step\nSuccessfully built 0123\n");
        assert_eq!(output.warnings, ["One or more build-args [A] were not consumed"]);
    }

    #[test]
    fn what_never_ends_its_line_is_not_gathered() {
        let mut output = Output::default();
        for _ in 0..10_000 {
            told(&mut output, "#");
        }
        assert!(output.begun.len() <= WIDTH * 16);
    }
}
