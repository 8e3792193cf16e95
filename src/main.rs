//! The `optimizer` command. Everything is in the library; see [`optimizer::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    optimizer::cli::main()
}
