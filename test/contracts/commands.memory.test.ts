import { fakeCommands, noPrograms } from '../../src/testing/commands.ts'
import { commandsContract } from './commands.contract.ts'

commandsContract('memory', async () => {
  const programs = noPrograms()
  programs.installed.set('says', {
    version: '3.14.1',
    run: async ({ argv, environment, secrets }, signal) => {
      const word = argv.at(-1) ?? ''
      if (word === 'wait')
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      const token = 'TOKEN' in secrets ? 'canary-1234' : ''
      return {
        exitCode: Number(word) || 0,
        output: `${argv.slice(1).join(' ')}\n${environment['GREETING'] ?? ''}\n${token}\n`,
      }
    },
  })
  return {
    commands: (scope) => fakeCommands(programs, scope),
    says: 'says',
    directory: '/',
    secret: { secret: 'token', from: { env: 'TOKEN' } },
    close: async () => undefined,
  }
})
