//! Lists as people write them: `[a, b]`, `"a b"` or `"a, b"`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::str::FromStr;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A list that may be written as a sequence or as one string separated by blanks or commas.
///
/// Config management hands over both: the 2014 module's `docker_cluster_peers` was a string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for List<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self(items)
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Splits at blanks and commas; empty pieces are left out.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty())
}

/// The items of a list that is written as one string.
pub(super) fn items(text: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for word in words(text) {
        match items.last_mut() {
            // A route is three words.
            Some(item) if word == "via" || item.ends_with(" via") => {
                item.push(' ');
                item.push_str(word);
            }
            _ => items.push(word.to_owned()),
        }
    }
    items
}

impl<T: FromStr> FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        items(text).iter().map(|item| item.parse()).collect()
    }
}

/// What stands before the words of an error about item `at` of a string: serde only knows paths of real lists.
fn which(at: usize) -> String {
    format!("item [{at}]: ")
}

/// The item of a string that an error is about, and the error's own words.
pub(super) fn item_of(message: &str) -> Option<(usize, &str)> {
    let (at, words) = message.strip_prefix("item [")?.split_once("]: ")?;
    Some((at.parse().ok()?, words))
}

impl<'de, T> Deserialize<'de> for List<T>
where
    T: Deserialize<'de> + FromStr,
    T::Err: fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T> Visitor<'de> for ListVisitor<T>
where
    T: Deserialize<'de> + FromStr,
    T::Err: fmt::Display,
{
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or a string of words separated by blanks or commas")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<List<T>, E> {
        let items = items(text);
        let read = |(at, item): (usize, &String)| {
            item.parse().map_err(|error: T::Err| match items.len() {
                1 => E::custom(error),
                _ => E::custom(format!("{}{error}", which(at))),
            })
        };
        items.iter().enumerate().map(read).collect()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        // Most lists are of one, in each of a thousand containers.
        list.shrink_to_fit();
        Ok(List(list))
    }

    /// An empty table of Lua is a map: `{}` is an empty list too.
    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut entries: A) -> Result<List<T>, A::Error> {
        match entries.next_key::<String>()? {
            None => Ok(List::default()),
            Some(key) => {
                Err(A::Error::custom(format!("a map with the key `{key}` is no list; allowed: a list, or words")))
            }
        }
    }
}

/// `Deserialize` for a type that is written as a string and parsed by its `FromStr`.
macro_rules! serde_by_text {
    ($type:ty, $expected:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        $crate::spec::list::deserialize_by_text!($type, $expected);
    };
}
pub(crate) use serde_by_text;

/// The reading half of [`serde_by_text`].
macro_rules! deserialize_by_text {
    ($type:ty, $expected:literal) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(|error: crate::Error| E::custom(error.message()))
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}
pub(crate) use deserialize_by_text;
