//! The `weave` command.

fn main() -> std::process::ExitCode {
    weave_core::cli::main()
}
