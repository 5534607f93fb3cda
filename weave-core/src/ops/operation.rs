//! The table of operations that every binding and the command dispatch through.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::status::Look;
use super::{
    Apply, Facts, Report, Schema, announcement, attachment, container, exposure, host, image, migration, peer,
    publication, router, schema, units,
};
use crate::apply::Mode;
use crate::kernel::{Kernel, machine};
use crate::spec::{
    Announce, Attach, Build, Connect, Detach, Expose, Forget, Hide, InstallUnits, Launch, Migrate, Part, Publication,
    Remove, Run, Unpublish, from_value, nearest,
};
use crate::{Error, Result};

/// The arguments of an operation that has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// The arguments of `ps`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ps {
    /// Only these; everything where none is given. `weave:expose` is the host itself.
    pub containers: crate::spec::List<String>,
}

/// What is read from a table of arguments.
trait Arguments: Sized {
    fn read(arguments: Value) -> Result<Self>;
}

impl<T: DeserializeOwned> Arguments for T {
    fn read(arguments: Value) -> Result<Self> {
        from_value(arguments)
    }
}

impl Apply {
    fn read(arguments: Value) -> Result<Self> {
        Self::from_arguments(arguments, &machine().hostname)
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident($arguments:ty) = $name:literal,)*) => {
        /// Every operation, by its name and arguments.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(tag = "operation", rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Operation {
            $($(#[$doc])* $variant($arguments),)*
        }

        impl Operation {
            /// The names of all operations.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The operation's name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }

            fn parse(name: &str, arguments: Value) -> Option<Result<Self>> {
                match name {
                    $($name => Some(<$arguments>::read(arguments).map(Self::$variant)),)*
                    _ => None,
                }
            }
        }
    };
}

operations! {
    /// [`host::apply_part`]
    Apply(Apply) = "apply",
    /// [`router::launch`]
    Launch(Box<Launch>) = "launch",
    /// [`router::stop`]
    Stop(Nothing) = "stop",
    /// [`host::reset`]
    Reset(Nothing) = "reset",
    /// [`peer::connect`]
    Connect(Connect) = "connect",
    /// [`peer::forget`]
    Forget(Forget) = "forget",
    /// [`attachment::attach`]
    Attach(Attach) = "attach",
    /// [`attachment::detach`]
    Detach(Detach) = "detach",
    /// [`announcement::announce`]
    Announce(Announce) = "announce",
    /// [`container::run`]
    Run(Box<Run>) = "run",
    /// [`container::remove`]
    Remove(Remove) = "remove",
    /// [`migration::migrate`]
    Migrate(Box<Migrate>) = "migrate",
    /// [`exposure::expose`]
    Expose(Expose) = "expose",
    /// [`exposure::hide`]
    Hide(Hide) = "hide",
    /// [`publication::publish`]
    Publish(Publication) = "publish",
    /// [`publication::unpublish`]
    Unpublish(Unpublish) = "unpublish",
    /// [`image::build`]
    Build(Build) = "build",
    /// [`units::install`]
    InstallUnits(InstallUnits) = "install_units",
    /// [`host::preflight`]
    Preflight(Nothing) = "preflight",
    /// [`host::status_with`]
    Status(Look) = "status",
    /// [`host::ps`]
    Ps(Ps) = "ps",
    /// [`host::facts`]
    Facts(Facts) = "facts",
    /// [`schema`](fn@super::schema)
    Schema(Schema) = "schema",
    /// [`host::version`]
    Version(Nothing) = "version",
}

impl Operation {
    /// Reads an operation from its name and a table of arguments.
    ///
    /// # Errors
    /// `InvalidSpec`: an unknown name, with the nearest there is, or a wrong argument, with its path.
    pub fn from_parts(name: &str, arguments: Value) -> Result<Self> {
        let arguments = if arguments.is_null() { Value::Object(Map::new()) } else { arguments };
        let Some(parsed) = Self::parse(name, arguments) else {
            let message = format!("`{name}` is no operation; allowed: {}", Self::NAMES.join(", "));
            let error = Error::invalid("operation", message);
            return Err(match nearest(name, Self::NAMES) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            });
        };
        parsed.map_err(|error| error.op(name))
    }

    /// Whether it only reads.
    pub fn reads(&self) -> bool {
        matches!(
            self,
            Self::Preflight(_) | Self::Status(_) | Self::Ps(_) | Self::Facts(_) | Self::Schema(_) | Self::Version(_)
        )
    }

    /// Runs it.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn run(&self, kernel: &Kernel, mode: Mode) -> Result<Report> {
        match self {
            Self::Apply(spec) => apply(kernel, spec, mode).await,
            Self::Launch(spec) => router::launch(kernel, spec, mode).await,
            Self::Stop(_) => router::stop(kernel, mode).await,
            Self::Reset(_) => host::reset(kernel, mode).await,
            Self::Connect(spec) => peer::connect(kernel, spec, mode).await,
            Self::Forget(spec) => peer::forget(kernel, spec, mode).await,
            Self::Attach(spec) => attachment::attach(kernel, spec, mode).await,
            Self::Detach(spec) => attachment::detach(kernel, spec, mode).await,
            Self::Announce(spec) => announcement::announce(kernel, spec, mode).await,
            Self::Run(spec) => container::run(kernel, spec, mode).await,
            Self::Remove(spec) => container::remove(kernel, spec, mode).await,
            Self::Migrate(spec) => Box::pin(migration::migrate(kernel, spec, mode)).await,
            Self::Expose(spec) => exposure::expose(kernel, spec, mode).await,
            Self::Hide(spec) => exposure::hide(kernel, spec, mode).await,
            Self::Publish(spec) => publication::publish(kernel, spec, mode).await,
            Self::Unpublish(spec) => publication::unpublish(kernel, spec, mode).await,
            Self::Build(spec) => image::build(kernel, spec, mode).await,
            Self::InstallUnits(spec) => units::install(kernel, spec, mode).await,
            Self::Preflight(_) => host::preflight(kernel).await,
            Self::Status(spec) => host::status_with(kernel, *spec).await,
            Self::Ps(ps) => host::ps(kernel, &ps.containers).await,
            Self::Facts(spec) => host::facts(kernel, *spec).await,
            Self::Schema(spec) => Ok(schema(*spec)),
            Self::Version(_) => Ok(host::version()),
        }
    }
}

async fn apply(kernel: &Kernel, spec: &Apply, mode: Mode) -> Result<Report> {
    let document = spec.document(&machine()).map_err(|error| error.op("apply"))?;
    // Without containers that are run, the engine is not worth waiting for.
    let hurried = (spec.only == Part::Network).then(|| kernel.in_a_hurry());
    let kernel = hurried.as_ref().unwrap_or(kernel);
    let mut report = match spec.only {
        Part::All => Box::pin(migration::apply(kernel, &document, mode)).await?,
        part => host::apply_part(kernel, &document, part, mode).await?,
    };
    report.warnings.splice(..0, spec.warnings.iter().cloned());
    Ok(report)
}
