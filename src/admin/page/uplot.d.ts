/** The gate serves uPlot's own module beside the page's modules, as `uplot.js`. */
export { default } from 'uplot';
