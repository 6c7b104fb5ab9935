import { size } from '../amounts.ts'
import { code, list, paragraph, strong, table, type Inline } from '../document.ts'
import { blockAsHtml } from '../html/blocks.ts'
import { partOf, runHref, section, sitePage, targetHref } from './frame.ts'

export type EvidenceShown = {
  readonly run: string
  readonly target: string
  readonly folder: string
  /** Null if the folder cannot be listed. */
  readonly files: readonly { readonly name: string; readonly bytes: number }[] | null
  /** One reason each; empty if it verifies; null while it is being verified. */
  readonly defects: readonly string[] | null
  /** Why the signer was not checked; null if it was. */
  readonly keysMissing: string | null
}

/** What is in the evidence folder of a run, after it was verified. */
export function evidencePage({ run, target, folder, files, defects, keysMissing }: EvidenceShown): string {
  const verified = defects?.length === 0 && keysMissing === null
  const verdict: readonly Inline[] =
    defects === null
      ? ['It is still being verified: reload the page in a moment.']
      : defects.length > 0
        ? [strong('It does not verify.')]
        : keysMissing === null
          ? [strong('It verifies'), ', by its signature and by the journal of this machine.']
          : [strong('Digests, journal and reports agree; who signed is not checked'), `: ${keysMissing}`]
  return sitePage({
    title: ['Evidence of ', run],
    window: `Evidence of ${run}`,
    look: verified ? 'succeeded' : defects === null || defects.length === 0 ? 'other' : 'failed',
    crumbs: [
      { label: target, href: targetHref(target) },
      { label: run, href: runHref(run) },
      { label: 'Evidence', href: `${runHref(run)}/evidence` },
    ],
    main: [
      blockAsHtml(paragraph(...verdict)),
      ...(defects === null || defects.length === 0
        ? []
        : [section('defects', 'Defects', [blockAsHtml(list(defects))])]),
      blockAsHtml(paragraph('Folder: ', code(folder))),
      section('files', 'Files', [
        blockAsHtml(
          files === null
            ? paragraph('The folder cannot be read.')
            : table(
                ['File', 'Size'],
                files.map(({ name, bytes }): readonly Inline[] => [
                  { link: fileHref(run, name), label: code(name) },
                  size(bytes),
                ]),
              ),
        ),
      ]),
    ],
  })
}

const fileHref = (run: string, name: string): string =>
  `${runHref(run)}/evidence/${name.split('/').map(partOf).join('/')}`
