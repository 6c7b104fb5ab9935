import { spawnSync } from 'node:child_process'
import { cp, mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Project } from '../fixtures/cli.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Node takes no types away below node_modules, so what is published is JavaScript: built, laid out as npm does, and used. */
test('the published form runs the runbooks of a project that has it installed', async () => {
  await using project = await Project.make()
  const modules = project.path('node_modules')
  const own = join(modules, 'runbook')
  await mkdir(own, { recursive: true })
  const built = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(own, 'dist')], { encoding: 'utf8' })
  expect(built.stdout).toBe('')
  for (const name of ['bin', 'package.json']) await cp(join(root, name), join(own, name), { recursive: true })
  for (const name of await readdir(join(root, 'node_modules'))) if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name))
  const { status, stderr, stdout } = spawnSync(process.execPath, [join(own, 'bin/runbook.js'), 'run', 'three-files'], { cwd: project.folder, encoding: 'utf8' })
  expect(stderr).toContain('[COMPLETED] Write three')
  expect(stdout).toContain('Succeeded: Three files on here.')
  expect(status).toBe(0)
  expect(await project.effects()).toEqual(['+one', '+two', '+three'])
})
