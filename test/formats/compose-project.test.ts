import { expect, it } from 'vitest'
import { composeProject } from '../../src/formats/compose-project.ts'

it.each([
  ['/srv/codex-completions-api', 'codex-completions-api'],
  ['/srv/api/', 'api'],
  ['/srv/My App (2).prod', 'myapp2prod'],
  ['/srv/_-old_stack', 'old_stack'],
  ['~/shop', 'shop'],
  ['/', ''],
  ['/srv/...', ''],
])('in %s Compose names the project "%s"', (folder, project) => {
  expect(composeProject(folder)).toBe(project)
})
