//! Ring-LWE encryption of masks (protocol section 4).
