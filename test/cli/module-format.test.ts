import { expect, test, vi } from 'vitest'
import { syntaxOf, type Syntax } from '../../src/cli/module-format.ts'

const cases: readonly (readonly [source: string, syntax: Syntax, typescript?: true])[] = [
  ["import a from './a.js'\nexport default a\n", 'module'],
  ["  import './a.js'", 'module'],
  ['const a = 1;export{a}', 'module'],
  ['const file = import.meta.url', 'module'],
  ["const a = await import('./a.js')", 'module'],
  ["// like module.exports, but not require('x')\nexport const a = 1", 'module'],
  [
    "import { createRequire } from 'node:module'\nexport const a = createRequire(import.meta.url)('./a.cjs')",
    'module',
  ],
  ['type A = string\nexport const a: A = `module.exports`', 'module', true],
  ['export enum A { b }\nmodule.exports = A', 'module', true],
  ["declare module 'runbook' { interface Registered { config: object } }\nexport {}", 'module', true],
  ['module.exports = 1', 'commonjs'],
  ['exports.a = 1', 'commonjs'],
  ['#!/usr/bin/env node\nmodule.exports = 1', 'commonjs'],
  ['\uFEFFmodule.exports = 1', 'commonjs'],
  ["import('./a.mjs').then(() => 1)\nmodule.exports = 1", 'commonjs'],
  ['/*\nexport const a = 1\n*/\nmodule.exports = `\nimport b`', 'commonjs'],
  ["const a: string = require('./a.js')", 'commonjs', true],
  ['const a: string = __dirname\nmodule.exports = { a }', 'commonjs', true],
  ['console.log(1)', null],
  ['let a: number = 1', null, true],
  ['', null],
]

test.each(cases.map(([source, syntax, typescript = false]) => ({ source, syntax, typescript })))(
  '$source is $syntax',
  ({ source, syntax, typescript }) => {
    const warn = vi.spyOn(process, 'emitWarning')
    expect(syntaxOf(source, typescript)).toBe(syntax)
    expect(warn).not.toHaveBeenCalled()
    warn.mockRestore()
  },
)
