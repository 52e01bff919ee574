// In a page with one frame: which of these addresses are wider than the frame, at 320 and at 1280 px.
globalThis.frameWidths = async (addresses) => {
  const frame = document.querySelector('iframe');
  const wide = [];
  for (const address of addresses) {
    const loaded = new Promise((done) => frame.addEventListener('load', done, { once: true }));
    frame.src = address;
    await loaded;
    for (const width of [320, 1280]) {
      frame.style = `border: 0; width: ${width}px; height: 900px`;
      const actual = frame.contentDocument.documentElement.scrollWidth;
      if (actual !== width) wide.push(`${address}: ${actual} at ${width}`);
    }
  }
  return wide;
};
