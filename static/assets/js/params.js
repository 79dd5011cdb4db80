// The values that a run is given: what a form begins with, and what is wrong with which. Pure.

/** By key, null for what is left out: `given` by an older run where it has it, else the defaults. */
export const beginning = (parameters, given = {}) =>
  Object.fromEntries(parameters.map(({ key, kind, default: usual }) => {
    const value = Object.hasOwn(given, key) ? given[key] : (usual ?? null);
    return [key, kind === "flag" ? String(value === "true") : value];
  }));

const PLACE = "body.params.";

/** The daemon's refusals: by key, and under "" what is about none of them. */
export const faultsOf = ({ errors = [], message }, keys) => {
  const faults = {};
  for (const { location = "", message: text } of errors) {
    const key = location.startsWith(PLACE) ? location.slice(PLACE.length) : "";
    faults[keys.includes(key) ? key : ""] = text;
  }
  return errors.length ? faults : { "": message };
};

/** A value as it is shown: what is left out is not the empty text. */
export const valueWords = (value) => (value === null ? "left out" : value === "" ? "empty text" : value);
