import { param, runbook } from '../src/index.ts'
import { confirmVariables } from '../steps/config/confirm-variables.ts'
import { setVariable } from '../steps/config/set-variable.ts'
import { bringUp } from '../steps/deployment/bring-up.ts'
import { checkEndpoints } from '../steps/http/check-endpoints.ts'
import { checkHealth } from '../steps/http/check-health.ts'
import { logResult } from '../steps/records/log-result.ts'

export default runbook(
  'disable-exports',
  {
    title: 'Emergency disablement of exports and reports',
    when: 'Exports or reports leak data or bring the service down: turns them off while the API stays online, and on again afterwards.',
    needs: ['exports', 'health'],
    remedy: {},
    params: {
      mode: param.choice('Turn exports off or on again', ['off', 'on']).default('off'),
    },
  },
  ({ params, target, step, when, lastly }) => {
    const { file, variable, services, endpoints } = target.exports

    const turn = (mode: 'off' | 'on') => {
      const value = target.exports[mode]
      const edited = step(
        `Set ${variable}=${value}`,
        setVariable({ file, name: variable, value, scope: { services, of: 'settings' } }),
      )
      step(
        `Bring up the services with exports ${mode}`,
        bringUp({ proof: 'environment', services, choice: edited }),
        {
          id: `redeploy-with-exports-${mode}`,
        },
      )
      step(
        `Check the container variables with exports ${mode}`,
        confirmVariables({ services, file, names: [variable] }),
        { id: `see-that-the-new-containers-have-exports-${mode}` },
      )
      step(`Check health with exports ${mode}`, checkHealth({ checks: target.health }), {
        id: `check-readiness-with-exports-${mode}`,
      })
      step(`Check that exports are ${mode}`, checkEndpoints({ endpoints, off: mode === 'off' }), {
        id: `see-that-exports-are-${mode}`,
      })
    }
    when(params.mode, { off: () => turn('off'), on: () => turn('on') })

    lastly('Log the result', logResult({ checklist: target.checklist?.file ?? null, about: params.mode }), {
      id: 'log-the-result',
    })
  },
)
