//! What kind of device a visitor holds.

use super::words::word_enum;

word_enum! {
    /// The kind of device, as far as its agent tells.
    pub enum Device {
        /// A phone.
        Mobile => "mobile",
        /// A tablet.
        Tablet => "tablet",
        /// A desktop or laptop computer.
        Desktop => "desktop",
        /// A television, console, watch or program, or not known.
        Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_reads_back() {
        for device in Device::ALL {
            assert_eq!(Device::parse(device.as_str()), Some(*device));
        }
        assert_eq!(Device::parse("phone"), None);
    }
}
