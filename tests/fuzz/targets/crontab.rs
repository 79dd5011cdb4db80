#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| runwisp_fuzz::crontab(data));
