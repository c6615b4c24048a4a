import { defineConfig } from 'vite'

/** The page: src/ui -> dist/ui. Relative addresses, so that it also works below a path of a proxy. */
export default defineConfig({
  root: 'src/ui',
  base: './',
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../dist/ui',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
})
