import { maybe, param, runbook } from '../src/index.ts'
import { chooseTree } from '../steps/documents/choose-tree.ts'
import { compareFile } from '../steps/documents/compare-file.ts'
import { findInTree } from '../steps/documents/find-in-tree.ts'
import { openTree } from '../steps/documents/open-tree.ts'
import { putFileBack } from '../steps/documents/put-file-back.ts'
import { makeStaging, removeStaging } from '../steps/files/staging.ts'
import { checkHealth } from '../steps/http/check-health.ts'
import { approval } from '../steps/people/approval.ts'
import { logResult } from '../steps/records/log-result.ts'

export default runbook(
  'recover-document',
  {
    title: 'Recover a corrupted document',
    when: 'The file of a document is damaged or missing, and everything else is healthy: restores that one file from a backup.',
    needs: ['documents', 'staging'],
    remedy: { document: 'ID' },
    params: {
      document: param.text('Id of the document: its file name, with or without the extension'),
      project: param
        .text('Folder of the document, if several folders have one of that name')
        .optional('the only folder that has one of that name'),
      backup: param.path('Backup to read, a folder or an archive').optional('the newest one'),
    },
  },
  ({ params, target, step, lastly }) => {
    const { at, ownership, backups, passphrase, confirmPhrase } = target.documents
    const below = at.path.slice(at.path.lastIndexOf('/') + 1)

    const tree = step('Choose the backup', chooseTree({ from: backups, path: params.backup, passphrase }), {
      id: 'locate-the-backup',
    })
    const staging = step(
      'Create a staging folder',
      makeStaging({
        under: target.staging,
        archives: [{ from: backups, file: params.backup, as: 'tree' }],
      }),
      { id: 'make-a-staging-folder' },
    )
    const open = step('Extract the backup', openTree({ tree, staging, passphrase }), {
      id: 'unpack-the-backup',
    })
    const found = step(
      'Find the document in the backup',
      findInTree({ tree: open, below, id: params.document, project: params.project }),
      { id: 'find-the-document-in-the-backup' },
    )
    const compared = step('Compare the document with the live one', compareFile({ at, found }), {
      id: 'compare-it-with-the-present-one',
    })
    step(
      'Ask the operator',
      approval({
        phrase: confirmPhrase,
        acceptsEnvironment: true,
        showing: {
          service: at.inside?.service ?? null,
          file: compared.path,
          present: compared.present,
          backup: tree.path,
          bytes: found.bytes,
          sha256: found.sha256,
        },
      }),
      { id: 'ask-the-operator' },
    )
    step('Restore the document', putFileBack({ at, found, compared, staging, ownership }), {
      id: 'put-it-back-with-its-owner-and-mode',
    })
    if (target.health !== undefined)
      step('Check health', checkHealth({ checks: target.health }), { id: 'check-health' })

    lastly('Clean up staging', removeStaging({ under: target.staging }), { id: 'empty-staging' })
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(found.relative) }),
      { id: 'log-the-result' },
    )
  },
)
