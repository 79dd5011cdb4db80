// A daemon that has nothing to do yet.

export const toml = '[scheduler]\ntimezone = "Europe/Prague"\n';
