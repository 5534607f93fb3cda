//! `require "weave"`: the operations by name, on plain Lua tables. What users of Lua see is written in Lua.

mod answer;
mod arguments;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mlua::{Lua, Table};
use serde_json::{Map, Value, json};
use weave_core::{Kernel, KernelOptions, Mode, Operation, Report, Result, blocking};

/// The module's table.
#[mlua::lua_module(name = "weave")]
fn weave(lua: &Lua) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.raw_set("operations", lua.create_sequence_from(Operation::NAMES.iter().copied())?)?;
    native.raw_set("version", env!("CARGO_PKG_VERSION"))?;
    native.raw_set("call", lua.create_function(call)?)?;
    lua.load(include_str!("weave.lua")).set_name("=weave").call(native)
}

/// Runs the operation `name` and returns its report, or `{error = …}`; or `nil` and what is wrong with the arguments.
fn call(lua: &Lua, (name, table): (String, Table)) -> mlua::Result<(mlua::Value, Option<String>)> {
    Ok(match arguments::read(&table) {
        Ok((arguments, mode)) => (answer::write(lua, &run(&name, arguments, mode))?, None),
        Err(wrong) => (mlua::Value::Nil, Some(format!("{name}: {wrong}"))),
    })
}

/// A panic would end the program that has loaded the module: it becomes an error like the others.
fn run(name: &str, arguments: Map<String, Value>, mode: Mode) -> Value {
    let work = || match operate(name, arguments, mode) {
        Ok(report) => json!(report),
        Err(error) => json!({"error": error.report()}),
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|cause| {
        let hint = "nothing is known about what was done: look with `status`; where it says `Too many open files`, \
                    `ulimit -n` helps, else report it as a fault of weave";
        json!({"error": {"kind": "panic", "op": name, "subject": "", "message": words(&*cause), "hint": hint}})
    })
}

fn operate(name: &str, arguments: Map<String, Value>, mode: Mode) -> Result<Report> {
    let operation = Operation::from_parts(name, Value::Object(arguments))?;
    blocking::run(async {
        let kernel = Kernel::new(KernelOptions::default()).map_err(|error| error.op(operation.name()))?;
        operation.run(&kernel, mode).await
    })
}

/// What a panic says.
fn words(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    text.unwrap_or("without a word").to_owned()
}
