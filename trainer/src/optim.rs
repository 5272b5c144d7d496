//! Stochastic gradient descent with Nesterov momentum, whose state can be saved: a killed run
//! goes on exactly where it was (libtorch's own optimisers cannot be written to a file by tch).

use crate::net::Net;
use crate::{Error, Result};
use std::collections::HashMap;
use tch::Tensor;

/// Momentum.
const MOMENTUM: f64 = 0.9;
/// Weight decay of every trained variable.
const WEIGHT_DECAY: f64 = 5e-4;
/// Before the names of momentum buffers in checkpoints.
const PREFIX: &str = "~momentum.";

/// The optimiser of a network's trained variables.
#[derive(Debug)]
pub struct Sgd {
    variables: Vec<(String, Tensor)>,
    momentum: Vec<Tensor>,
}

impl Sgd {
    /// An optimiser at rest.
    pub fn new(net: &Net) -> Self {
        let variables = net.trained();
        let momentum = variables.iter().map(|(_, v)| v.detach().zeros_like()).collect();
        Self { variables, momentum }
    }

    /// Forgets all gradients.
    pub fn zero_grad(&mut self) {
        self.variables.iter_mut().for_each(|(_, v)| v.zero_grad());
    }

    /// Handles of the gradients there are.
    pub fn gradients(&self) -> Vec<Tensor> {
        self.variables.iter().map(|(_, v)| v.grad()).filter(Tensor::defined).collect()
    }

    /// Takes one step at learning rate `rate`; variables without gradient stay.
    ///
    /// # Errors
    /// libtorch refuses an operation.
    pub fn step(&mut self, rate: f64) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for ((_, variable), momentum) in self.variables.iter_mut().zip(&mut self.momentum) {
            let gradient = variable.grad();
            if !gradient.defined() {
                continue;
            }
            let gradient = gradient.f_add(&variable.f_mul_scalar(WEIGHT_DECAY)?)?;
            let _ = momentum.f_mul_scalar_(MOMENTUM)?.f_add_(&gradient)?;
            let step = gradient.f_add(&momentum.f_mul_scalar(MOMENTUM)?)?;
            let _ = variable.f_sub_(&step.f_mul_scalar(rate)?)?;
        }
        Ok(())
    }

    /// The momentum buffer of a variable, of its shape.
    pub fn momentum(&self, name: &str) -> Option<&Tensor> {
        let at = self.variables.iter().position(|(n, _)| n == name)?;
        self.momentum.get(at)
    }

    /// Momentum buffers under the names they have in checkpoints.
    pub fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        let names = self.variables.iter().map(|(name, _)| format!("{PREFIX}{name}"));
        names.zip(&self.momentum)
    }

    /// Takes the buffers of [`Sgd::state`] back.
    ///
    /// # Errors
    /// One is missing or of another shape.
    pub fn restore(&mut self, saved: &HashMap<String, Tensor>) -> Result<()> {
        for ((name, _), momentum) in self.variables.iter().zip(&mut self.momentum) {
            let from = saved.get(&format!("{PREFIX}{name}"));
            let from = from.filter(|t| t.size() == momentum.size()).ok_or_else(|| {
                Error::NetworkMismatch { problem: format!("no momentum of {name}") }
            })?;
            tch::no_grad(|| momentum.f_copy_(from))?;
        }
        Ok(())
    }
}
