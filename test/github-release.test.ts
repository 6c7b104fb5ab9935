import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import publish from '../runbooks/release-publish.ts'
import snapshot from '../runbooks/release-snapshot.ts'
import { flagOf } from '../src/model/param.ts'

type Workflow = {
  readonly on: { readonly push: { readonly tags: readonly string[] } }
  readonly permissions: unknown
  readonly jobs: {
    readonly release: { readonly steps: readonly { readonly run?: string; readonly env?: unknown }[] }
  }
}

const workflow = parse(
  readFileSync(join(import.meta.dirname, '..', 'docs', 'github-release.yml'), 'utf8'),
) as Workflow

test('the workflow to copy makes and publishes a release as the runbooks want it, and only publishing has the token', () => {
  expect(workflow).toMatchObject({ on: { push: { tags: ['v*'] } }, permissions: { contents: 'write' } })
  const commands = workflow.jobs.release.steps.flatMap(({ run, env }) =>
    run?.includes('runbook run') === true ? [{ run, env }] : [],
  )
  expect(commands.map(({ run }) => /runbook run (\S+)/.exec(run)?.[1])).toEqual([snapshot.name, publish.name])
  for (const [index, { about }] of [snapshot, publish].entries()) {
    const known = ['--target', ...Object.keys(about.params).map(flagOf)]
    const used =
      commands[index]?.run.match(/(?<= )--[a-z][a-z-]*/g)?.filter((flag) => flag !== '--no-install') ?? []
    expect(used.length).toBeGreaterThan(1)
    expect(used.filter((flag) => !known.includes(flag))).toEqual([])
  }
  expect(commands.map(({ env }) => env)).toEqual([undefined, { GITHUB_TOKEN: '${{ secrets.GITHUB_TOKEN }}' }])
})
