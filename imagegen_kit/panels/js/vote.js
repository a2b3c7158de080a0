// The blind vote in a notebook.
export default panel((view) => voteFace(view));
