//! From plain data to Lua: what is `null` is absent, so nothing is a value that is true and means nothing.

use mlua::{IntoLua, Lua, Result};
use serde_json::Value;

/// Makes tables of `data`; lists count from 1.
pub(crate) fn write(lua: &Lua, data: &Value) -> Result<mlua::Value> {
    match data {
        Value::Null => Ok(mlua::Value::Nil),
        Value::Bool(truth) => Ok(mlua::Value::Boolean(*truth)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into_lua(lua),
            None => number.as_f64().into_lua(lua),
        },
        Value::String(text) => text.as_str().into_lua(lua),
        Value::Array(items) => {
            // A list with a gap would end there.
            let list = lua.create_table_with_capacity(items.len(), 0)?;
            for item in items.iter().filter(|item| !item.is_null()) {
                list.raw_push(write(lua, item)?)?;
            }
            Ok(mlua::Value::Table(list))
        }
        Value::Object(fields) => {
            let map = lua.create_table_with_capacity(0, fields.len())?;
            for (name, value) in fields {
                map.raw_set(name.as_str(), write(lua, value)?)?;
            }
            Ok(mlua::Value::Table(map))
        }
    }
}
