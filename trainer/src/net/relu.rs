//! The masked ReLU.

use crate::Result;
use crate::net::store::{Role, Store};
use tacita_architectures::Layer;
use tch::{Device, Kind, Tensor};

/// A masked ReLU, `M * relu(x) + (1 - M) * x`.
#[derive(Debug)]
pub struct MaskedRelu {
    /// `M`, `[1, C, H, W]`, 0 or 1.
    pub mask: Tensor,
    /// `ln M`: the least value that each position lets through (0 or minus infinity), so
    /// that one pass `max(x, ln M)` computes the formula. Absent where all of `M` is 1.
    floor: Option<Tensor>,
    culled: bool,
}

impl MaskedRelu {
    /// An activation without positions left out.
    pub(super) fn new(store: &mut Store, layer: &Layer) -> Self {
        let [c, h, w] = layer.dims();
        let ones = Tensor::ones([1, c, h, w], (Kind::Float, Device::Cpu));
        Self { mask: store.add(&layer.variable, Role::Mask, ones), floor: None, culled: false }
    }

    /// Replaces the mask by `mask`, of shape `[C, H, W]` or `[1, C, H, W]`.
    ///
    /// # Errors
    /// The shape does not fit.
    pub fn set(&mut self, mask: &Tensor) -> Result<()> {
        let dims = self.mask.size();
        tch::no_grad(|| self.mask.f_copy_(&mask.f_view(dims.as_slice())?))?;
        self.refresh()
    }

    /// Derives what the forward pass uses from the mask (after a checkpoint was loaded).
    ///
    /// # Errors
    /// libtorch refuses an operation.
    pub fn refresh(&mut self) -> Result<()> {
        let ones = self.mask.f_sum(Kind::Double)?.f_double_value(&[])? as usize;
        self.culled = ones == 0;
        self.floor =
            if ones == self.mask.numel() { None } else { Some(self.mask.f_log()?.detach()) };
        Ok(())
    }

    /// Applies it to `[B, c, H, W]`; with fewer channels than the mask has, the first ones
    /// of the mask count (SENet++).
    ///
    /// # Errors
    /// libtorch refuses an operation.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match &self.floor {
            None => Ok(x.f_relu()?),
            Some(_) if self.culled => Ok(x.shallow_clone()),
            Some(floor) => {
                let channels = x.size()[1];
                let floor = floor.f_narrow(1, 0, channels)?.f_to_kind(x.kind())?;
                Ok(x.f_clamp_min_tensor(&floor)?)
            }
        }
    }
}
