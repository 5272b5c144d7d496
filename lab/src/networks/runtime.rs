//! A float runtime that is not ours, behind the feature `tract`.

#[cfg(feature = "tract")]
pub use with::Runtime;
#[cfg(not(feature = "tract"))]
pub use without::Runtime;

#[cfg(feature = "tract")]
mod with {
    use std::path::Path;

    use tacita_protocol::plan::Shape;
    use tacita_protocol::{Error, Result};
    use tract_onnx::onnx;
    use tract_onnx::prelude::*;

    /// A model in tract.
    pub struct Runtime {
        model: Arc<TypedRunnableModel>,
        input: Shape,
    }

    fn failed(e: impl std::fmt::Display) -> Error {
        Error::input(format!("tract: {e:#}"))
    }

    impl Runtime {
        /// What it is called.
        pub const NAME: Option<&'static str> = Some("tract");

        /// Reads a model for images of `input`.
        ///
        /// # Errors
        /// If tract refuses it.
        pub fn load(model: &Path, input: Shape) -> Result<Self> {
            let fact = f32::fact([1, input.channels, input.height, input.width]);
            let model = onnx().model_for_path(model).map_err(failed)?;
            let model = model.with_input_fact(0, fact.into()).map_err(failed)?;
            let model = model.into_optimized().map_err(failed)?;
            Ok(Self { model: model.into_runnable().map_err(failed)?, input })
        }

        /// Logits of a normalised CHW image.
        ///
        /// # Errors
        /// If tract fails.
        pub fn logits(&self, image: &[f32]) -> Result<Vec<f64>> {
            let s = self.input;
            let dims = [1, s.channels, s.height, s.width];
            let image = Tensor::from_shape(&dims, image).map_err(failed)?;
            let out = self.model.run(tvec!(image.into())).map_err(failed)?;
            let logits = out.first().ok_or_else(|| failed("no output"))?;
            let view = logits.to_plain_array_view::<f32>().map_err(failed)?;
            Ok(view.iter().map(|x| f64::from(*x)).collect())
        }
    }
}

#[cfg(not(feature = "tract"))]
mod without {
    use std::path::Path;

    use tacita_protocol::plan::Shape;
    use tacita_protocol::{Error, Result};

    /// No runtime in this build.
    pub struct Runtime;

    impl Runtime {
        /// There is none.
        pub const NAME: Option<&'static str> = None;

        /// Refuses.
        ///
        /// # Errors
        /// Always.
        pub fn load(_: &Path, _: Shape) -> Result<Self> {
            Err(Error::input("built without a float runtime: build with `--features tract`"))
        }

        /// Refuses.
        ///
        /// # Errors
        /// Always.
        pub fn logits(&self, _: &[f32]) -> Result<Vec<f64>> {
            Err(Error::input("built without a float runtime: build with `--features tract`"))
        }
    }
}
