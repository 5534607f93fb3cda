//! From Lua to plain data. What no document can hold is refused with its path, as one writes it in Lua.

use std::collections::BTreeMap;

use mlua::{LuaString, Table, Value as Lua};
use serde_json::{Map, Number, Value};
use weave_core::Mode;

/// Deeper than any document; a table that contains itself ends here.
const DEEPEST: usize = 64;

/// Up to 2^53 whole numbers are exact in Lua 5.1, where every number is a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What was read, or what is wrong with it.
type Read<T> = Result<T, String>;

/// The fields of an operation's one table, and its `check`, which no operation has among its own.
pub(crate) fn read(table: &Table) -> Read<(Map<String, Value>, Mode)> {
    let Value::Object(mut fields) = of_table(table, "", 0)? else {
        return Err("a list is no arguments; allowed: names and values".to_owned());
    };
    let mode = match fields.remove("check") {
        None | Some(Value::Bool(false)) => Mode::Apply,
        Some(Value::Bool(true)) => Mode::Check,
        Some(other) => return Err(format!("check: {other} does not fit; allowed: true, false")),
    };
    Ok((fields, mode))
}

fn of(value: &Lua, path: &str, depth: usize) -> Read<Value> {
    match value {
        Lua::Boolean(truth) => Ok(Value::Bool(*truth)),
        Lua::Integer(whole) => Ok(Value::from(*whole)),
        Lua::Number(number) => of_number(*number).ok_or_else(|| told(path, &format!("{number} is no number to write"))),
        Lua::String(text) => of_text(text, path).map(Value::String),
        Lua::Table(table) => of_table(table, path, depth),
        other => {
            // LuaJIT's own sort.
            let kind = if matches!(other, Lua::Other(_)) { "cdata" } else { other.type_name() };
            let allowed = "text, numbers, true, false, tables of them";
            Err(told(path, &format!("a {kind} is no plain data; allowed: {allowed}")))
        }
    }
}

/// A whole number stays whole, also where Lua has only floats.
#[allow(clippy::cast_possible_truncation)] // it was looked at
fn of_number(number: f64) -> Option<Value> {
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Some(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number)
}

fn of_text(text: &LuaString, path: &str) -> Read<String> {
    text.to_str().map(|text| text.to_owned()).map_err(|_| told(path, "this text is not in UTF-8; allowed: UTF-8"))
}

/// A list has the keys 1, 2, 3 …, a map has texts. One without any is a map: the operations take that as a list, too.
fn of_table(table: &Table, path: &str, depth: usize) -> Read<Value> {
    if depth > DEEPEST {
        return Err(told(path, &format!("more than {DEEPEST} tables in each other; does one contain itself?")));
    }
    let pairs = table.pairs().collect::<mlua::Result<Vec<(Lua, Lua)>>>().map_err(|error| error.to_string())?;
    if pairs.is_empty() || pairs.iter().any(|(key, _)| key.is_string()) {
        return of_map(&pairs, path, depth);
    }
    of_list(&pairs, path, depth)
}

fn of_map(pairs: &[(Lua, Lua)], path: &str, depth: usize) -> Read<Value> {
    // Lua keeps its keys in no order; the same table is to have the same outcome each time.
    let mut fields = BTreeMap::new();
    for (key, value) in pairs {
        let Lua::String(name) = key else {
            return Err(neither(path, key));
        };
        let name = of_text(name, path)?;
        let place = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        fields.insert(name, of(value, &place, depth + 1)?);
    }
    Ok(Value::Object(fields.into_iter().collect()))
}

fn of_list(pairs: &[(Lua, Lua)], path: &str, depth: usize) -> Read<Value> {
    let mut items = vec![Value::Null; pairs.len()];
    for (key, value) in pairs {
        let Some(at) = key.as_usize().filter(|at| (1..=items.len()).contains(at)) else {
            return Err(neither(path, key));
        };
        items[at - 1] = of(value, &format!("{path}[{at}]"), depth + 1)?;
    }
    Ok(Value::Array(items))
}

/// A list with a gap has lost something, and a list with names besides would lose them.
fn neither(path: &str, key: &Lua) -> String {
    let key = key.to_string().unwrap_or_else(|_| key.type_name().to_owned());
    let allowed = "1, 2, 3 … without a gap, or only names";
    told(path, &format!("with the key {key} this is neither a list nor a map; allowed: {allowed}"))
}

/// What is wrong, after its place.
fn told(path: &str, wrong: &str) -> String {
    if path.is_empty() { wrong.to_owned() } else { format!("{path}: {wrong}") }
}
