//! The masked ReLU gadget (protocol section 6).
