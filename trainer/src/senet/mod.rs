//! SENet (Kundu et al., ICLR 2023): share a ReLU budget out over the layers by sensitivity,
//! find which positions keep their ReLU, then train with those masks frozen.

pub mod allocate;
pub mod finetune;
pub mod search;
pub mod sensitivity;
pub mod sparse;
pub mod teacher;
