#!/usr/bin/env node
import './node-24.js'
import { existsSync } from 'fs'
import module from 'module'
import v8 from 'v8'
import { isOwnCache } from './own-cache.js'

// The part of the heap for new objects grows to 50 MB while a configuration is read, and never shrinks again.
v8.setFlagsFromString('--semi-space-growth-factor=1')

if (isOwnCache()) module.enableCompileCache()
// A checkout runs as it is written. A package brings JavaScript only, since Node takes no types away below node_modules.
const checkout = existsSync(new URL('../src/cli/main.ts', import.meta.url))
// No `await` here: versions of Node without it must get as far as the message.
import(checkout ? '../src/cli/main.ts' : '../dist/src/cli/main.js').then(({ main }) =>
  main(process.argv.slice(2)),
)
