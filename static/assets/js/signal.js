// One thing that happens, and whoever wants to know.

/** `on(hear)` gives the function that ends it. */
export const signal = () => {
  const hearers = new Set();
  return {
    on(hear) {
      hearers.add(hear);
      return () => hearers.delete(hear);
    },
    emit(...what) {
      for (const hear of [...hearers]) hear(...what);
    },
  };
};

/** Several endings as one. */
export const all = (...ends) => () => ends.flat().forEach((end) => end?.());
