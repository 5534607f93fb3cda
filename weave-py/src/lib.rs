//! `weave_py._native`: the operations by name, on plain Python data. What Python users see is written in Python.

use pyo3::prelude::*;

/// The operations of weave, by name.
#[pymodule]
mod _native {
    use pyo3::exceptions::PyTypeError;
    use pyo3::prelude::*;
    use pythonize::{depythonize, pythonize};
    use serde_json::{Value, json};
    use weave_core::{Kernel, KernelOptions, Mode, Operation, Report, Result, blocking, cli};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("OPERATIONS", Operation::NAMES.to_vec())?;
        module.add("VERSION", env!("CARGO_PKG_VERSION"))
    }

    /// Runs the operation `name` and returns its report, or `{"error": …}`.
    #[pyfunction]
    fn call<'py>(
        py: Python<'py>,
        name: &str,
        arguments: &Bound<'py, PyAny>,
        check: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let arguments: Value = depythonize(arguments).map_err(|error| PyTypeError::new_err(error.to_string()))?;
        let mode = if check { Mode::Check } else { Mode::Apply };
        // Others may run while the host is looked at and changed; from here on nothing of Python is touched.
        let answer = py.detach(|| match run(name, arguments, mode) {
            Ok(report) => json!(report),
            Err(error) => json!({"error": error.report()}),
        });
        Ok(pythonize(py, &answer)?)
    }

    fn run(name: &str, arguments: Value, mode: Mode) -> Result<Report> {
        let operation = Operation::from_parts(name, arguments)?;
        // A runtime for each call, made after any `fork`: that of a parent process would be of no use in its child.
        blocking::run(async {
            let kernel = Kernel::new(KernelOptions::default()).map_err(|error| error.op(operation.name()))?;
            operation.run(&kernel, mode).await
        })
    }

    /// The `weave` command with these words after its name; returns its exit code.
    #[pyfunction]
    fn main(py: Python<'_>, words: Vec<String>) -> u8 {
        py.detach(|| cli::run_words(words))
    }
}
