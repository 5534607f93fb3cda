//! The `weave` command: argument parsing and printing over [`Operation`].
//!
//! It is a drop-in for the classic weave script: the same verbs, the same order of words, the same lines on stdout.
//! What was planned and done, warnings and errors stand on stderr.

mod args;
mod classic;
mod execute;
mod interrupt;
mod launch;
mod migrate;
mod output;
mod plan_view;
mod progress;
mod publish;
mod status_view;
mod table;
mod verbs;
mod watch;

use std::io::{self, ErrorKind as Io, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::error::{ContextKind, ContextValue, ErrorKind as Usage};
use clap::{CommandFactory, Parser};

use args::{Cli, Color, Flags, Verb};
use execute::Outcome;

use crate::apply::Mode;
use crate::ops::{Operation, Report};
use crate::{Error, Result};

/// Done, or nothing to do.
const OK: u8 = 0;
/// Something failed. A wrong command line, too: the classic script said so, and 2 means changed.
const FAILED: u8 = 1;
/// Something changed, or would; only with `--detailed-exitcodes`.
const CHANGED: u8 = 2;

/// Runs the command of this process.
pub fn main() -> ExitCode {
    ExitCode::from(run_words(std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect()))
}

/// Runs the command with the name of the program and these words after it, and returns its exit code.
pub fn run_words(words: Vec<String>) -> u8 {
    let color = color(&words);
    let mut streams = Streams {
        out: Box::new(AutoStream::new(io::stdout(), color)),
        err: Box::new(AutoStream::new(io::stderr(), color)),
        refused: None,
    };
    run(words, &verbs::Process, execute::execute, &mut streams)
}

/// Where is printed.
struct Streams {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    /// Why stdout took no more.
    refused: Option<io::Error>,
}

impl Streams {
    fn out(&mut self, text: &str) {
        let done = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        // A reader that has seen enough (`weave status | head -1`) is no failure.
        if let Err(error) = done.or_else(|error| if error.kind() == Io::BrokenPipe { Ok(()) } else { Err(error) }) {
            self.refused = Some(error);
        }
    }

    fn err(&mut self, text: &str) {
        // Where stderr is gone, nobody can be told.
        let _ = self.err.write_all(text.as_bytes());
    }
}

/// `--color` has to be known before the words are parsed, because errors of the parser are printed too.
fn color(words: &[String]) -> ColorChoice {
    let after = words.iter().position(|word| word == "--color").and_then(|at| words.get(at + 1)).map(String::as_str);
    match after.or_else(|| words.iter().find_map(|word| word.strip_prefix("--color="))) {
        Some("always") => Color::Always.into(),
        Some("never") => Color::Never.into(),
        _ => Color::Auto.into(),
    }
}

fn run(
    words: Vec<String>,
    from: &impl verbs::Surroundings,
    execute: impl FnOnce(&Operation, Mode, &Flags) -> Outcome,
    streams: &mut Streams,
) -> u8 {
    let json = words.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    let mut words = words.into_iter();
    let program = words.next();
    let refuse = |streams: &mut Streams, error: &Error| {
        failed(json, error, streams);
        FAILED
    };
    let (words, warnings) = match classic::translate(words.collect()) {
        Ok(translated) => translated,
        Err(error) => return refuse(streams, &error),
    };
    let line = words.clone();
    let cli = match Cli::try_parse_from(program.into_iter().chain(words)) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &line, json, streams),
    };
    if let Verb::Watch(args) = &cli.verb {
        return watch::run(args, &cli.flags, streams);
    }
    let operation = match verbs::operation(&cli.verb, from) {
        Ok(operation) => operation,
        Err(error) => return refuse(streams, &error),
    };
    let mode = if cli.flags.check { Mode::Check } else { Mode::Apply };
    let mut outcome = execute(&operation, mode, &cli.flags);
    if let Ok(report) = &mut outcome.result {
        report.warnings.splice(..0, warnings);
    } else if !cli.flags.quiet && !json {
        streams.err(&output::warnings(&warnings));
    }
    finish(&cli, &operation, &outcome, streams)
}

/// What clap says: help on stdout, anything else is a failure.
fn usage(error: &clap::Error, words: &[String], json: bool, streams: &mut Streams) -> u8 {
    if matches!(error.kind(), Usage::DisplayHelp | Usage::DisplayVersion) {
        streams.out(&error.render().ansi().to_string());
        return end(OK, streams);
    }
    if let (Usage::InvalidSubcommand, Some(ContextValue::String(word))) =
        (error.kind(), error.get(ContextKind::InvalidSubcommand))
    {
        let command = Cli::command();
        let known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        failed(json, &classic::unknown_verb(word, &known), streams);
        return FAILED;
    }
    let refused = match no_such_word(error) {
        None if json => {
            let text = error.render().to_string();
            let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").trim();
            Some(Error::invalid(option(error), message))
        }
        word => word,
    };
    match refused {
        Some(refused) => {
            let verb = words.iter().find(|word| Operation::NAMES.contains(&word.as_str()));
            failed(json, &verb.into_iter().fold(refused, |refused, verb| refused.op(verb.as_str())), streams);
        }
        None => streams.err(&error.render().ansi().to_string()),
    }
    FAILED
}

/// A word that is none of those to choose from, in our own words.
fn no_such_word(error: &clap::Error) -> Option<Error> {
    let (Some(ContextValue::String(word)), Some(ContextValue::Strings(known))) =
        (error.get(ContextKind::InvalidValue), error.get(ContextKind::ValidValue))
    else {
        return None;
    };
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    (!known.is_empty()).then(|| crate::spec::unknown_word(&option(error), word, &known))
}

/// What clap complains about, by the name of its field: `port` for `--port <PORT>`, `document` for `[DOCUMENT]`.
fn option(error: &clap::Error) -> String {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return String::new() };
    match word.strip_prefix("--") {
        Some(name) => name.split([' ', '=']).next().unwrap_or_default().replace('-', "_"),
        None => word.trim_matches(['[', ']', '<', '>', '.']).to_lowercase(),
    }
}

fn failed(json: bool, error: &Error, streams: &mut Streams) {
    let report = error.report();
    if json {
        let object = serde_json::json!({"operation": report.op, "failed": true, "error": report});
        streams.out(&format!("{object}\n"));
    } else {
        streams.err(&output::error(&report));
    }
}

fn finish(cli: &Cli, operation: &Operation, outcome: &Outcome, streams: &mut Streams) -> u8 {
    let json = cli.flags.json;
    let code = match &outcome.result {
        Ok(report) => {
            if json {
                match serde_json::to_string(report) {
                    Ok(text) => streams.out(&format!("{text}\n")),
                    Err(error) => failed(json, &Error::invalid("report", error.to_string()), streams),
                }
            } else {
                show(cli, operation, report, streams);
            }
            code(operation, report, cli.flags.detailed_exitcodes)
        }
        Err(error) => {
            failed(json, error, streams);
            FAILED
        }
    };
    let Some(signal) = outcome.signal else { return end(code, streams) };
    if !json && outcome.result.is_ok() {
        streams.err(&output::warnings(&[format!("interrupted by {signal}; the operation was finished all the same")]));
    }
    // As a shell says it of a command that a signal ended.
    128 + u8::try_from(signal as i32).unwrap_or_default()
}

fn show(cli: &Cli, operation: &Operation, report: &Report, streams: &mut Streams) {
    let Cli { verb, flags } = cli;
    if !flags.quiet {
        streams.err(&output::warnings(&report.warnings));
        if !operation.reads() {
            streams.err(&plan_view::render(report, &output::subject(operation), flags.diff));
        }
    }
    let targets = matches!(verb, Verb::Status { what, .. } if !what.is_empty());
    streams.out(&output::stdout(operation, report, targets));
    if let (Operation::Preflight(_), false, Some(result)) = (operation, flags.quiet, &report.result) {
        streams.err(&table::summary(result));
    }
    for error in &report.errors {
        streams.err(&output::error(error));
    }
    if let Err(error) = ready(operation, report) {
        streams.err(&output::error(&error.op(operation.name()).report()));
    }
}

/// `status` has always failed while no router runs: scripts ask it that way.
fn ready(operation: &Operation, report: &Report) -> Result<()> {
    match (operation, &report.result) {
        (Operation::Status(_), Some(result)) if !status_view::runs(result) => {
            Err(Error::new(crate::ErrorKind::NotFound, "router", "is not running").hint("start it with `weave launch`"))
        }
        _ => Ok(()),
    }
}

fn code(operation: &Operation, report: &Report, detailed: bool) -> u8 {
    let blocked =
        matches!((operation, &report.result), (Operation::Preflight(_), Some(result)) if table::failed(result));
    if blocked || !report.is_ok() || ready(operation, report).is_err() {
        FAILED
    } else if detailed && report.changed {
        CHANGED
    } else {
        OK
    }
}

/// What could not be printed was not done as far as the caller knows.
fn end(code: u8, streams: &mut Streams) -> u8 {
    match streams.refused.take() {
        Some(error) => {
            let report = Error::os("stdout", "print", error).report();
            streams.err(&output::error(&report));
            FAILED
        }
        None => code,
    }
}

#[cfg(test)]
mod tests;
