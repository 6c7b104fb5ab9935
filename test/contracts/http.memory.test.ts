import { describe, expect, it } from 'vitest'
import { emptyDisk } from '../../src/testing/disk.ts'
import { emptyWeb, fakeHttp, type FakeAnswer } from '../../src/testing/http.ts'
import { fakeSecrets } from '../../src/testing/secrets.ts'
import { basic, httpContract, token, type ScriptedAnswer } from './http.contract.ts'

const secrets = fakeSecrets({ environment: { TOKEN: token }, disk: emptyDisk() })

httpContract('in memory', async () => {
  const web = emptyWeb()
  const environment: Record<string, string> = { TOKEN: token, BASIC: basic }
  const pretended = (answer: ScriptedAnswer): FakeAnswer => {
    if (answer === 'timed out') return answer
    return {
      status: answer.status,
      ...(answer.body === undefined ? {} : { text: answer.body }),
      ...(answer.redirect === undefined ? {} : { redirect: answer.redirect }),
    }
  }
  return {
    http: fakeHttp(web, fakeSecrets({ environment, disk: emptyDisk() })),
    answers: async (path, ...script) => {
      web.answers.set(`http://shop.test${path}`, script.map(pretended))
      return `http://shop.test${path}`
    },
    dead: 'http://dead.test/',
    elsewhere: 'http://elsewhere.test/',
    asked: () => web.asked.map(({ url, bearer }) => ({ path: new URL(url).pathname, bearer })),
    posted: () => web.posted.map(({ url, ...rest }) => ({ path: new URL(url).pathname, ...rest })),
    hook: (url) => void (environment['HOOK'] = url),
  }
})

describe('a pretended web', () => {
  it('fails in each way that a real one does', async () => {
    const web = emptyWeb()
    for (const how of ['name not found', 'refused', 'timed out', 'TLS failed'] as const) {
      web.answers.set('http://shop.test/', [how])
      await expect(
        fakeHttp(web, secrets).get('http://shop.test/', { timeoutSeconds: 1, bearer: null }),
      ).rejects.toThrow(how.replace('name not', 'host name not'))
    }
  })
})
