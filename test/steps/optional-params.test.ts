import { globSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { isRunbook } from '../../src/model/runbook.ts'
import { root } from '../docs/pages.ts'

it('every optional parameter of an included runbook says what is taken without it', async () => {
  const files = globSync('runbooks/*.ts', { cwd: root })
  const silent: string[] = []
  let optional = 0
  for (const file of files) {
    const { default: book } = (await import(pathToFileURL(join(root, file)).href)) as {
      readonly default: unknown
    }
    if (!isRunbook(book)) throw new Error(`${file} exports no runbook`)
    for (const [name, param] of Object.entries(book.about.params)) {
      if (param.fallback !== null) continue
      optional += 1
      if (param.without === undefined || /[.;]$|default/i.test(param.without)) silent.push(`${file}: ${name}`)
    }
  }
  expect(silent).toEqual([])
  expect(optional).toBeGreaterThan(30)
})
