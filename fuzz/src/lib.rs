//! What the fuzz targets share.

pub mod connector;
pub mod memory;
pub mod reading;
