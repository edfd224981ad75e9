import { acceptWith, nounOf, shortId } from '../ceremony-words.ts';
import type { NodeClient } from '../http/client.ts';
import type { CeremonyView, ProposalView } from '../service.ts';
import type { Context } from './context.ts';
import { CeremonyFailed } from './exit.ts';
import { printable } from './text.ts';

/**
 * Begins a ceremony and shows every change of it until it is done.
 * @throws {CeremonyFailed} {NodeSilent} if the node stops first: the ceremony may go on without it
 */
export async function watch(
  node: NodeClient,
  begin: () => Promise<CeremonyView>,
  show: (ceremony: CeremonyView) => void,
): Promise<CeremonyView> {
  // Listening before beginning: no change can slip through between the two.
  using events = await node.events();
  const begun = await begin();
  show(begun);
  if (isOver(begun)) return checked(begun);
  for await (const event of events) {
    if (event.id !== begun.id) continue;
    // What happened before the answer arrives after it.
    if (event.updatedAt > begun.updatedAt) show(event);
    if (isOver(event)) return checked(event);
  }
  // The stream ended with the node: asking again says so.
  return checked(await node.ceremony(begun.id));
}

/** The ceremony if it did not fail. @throws {CeremonyFailed} */
export function checked(ceremony: CeremonyView): CeremonyView {
  if (ceremony.failure !== undefined) throw new CeremonyFailed(ceremony, ceremony.failure);
  return ceremony;
}

export function isOver({ state }: CeremonyView): boolean {
  return state === 'done' || state === 'failed';
}

/** A function that says on stderr where a ceremony has come to, once for each stage. */
export function printProgress(context: Context): (ceremony: CeremonyView) => void {
  let last = '';
  return (ceremony) => {
    const line = progressLine(ceremony);
    if (line !== last) context.say(line);
    last = line;
  };
}

/** What is proposed about a key and waits for operators or members. */
export async function waitingFor(
  node: NodeClient,
  key: string,
  noun: 'repair' | 'reshare',
): Promise<readonly CeremonyView[]> {
  const waits = ({ state }: CeremonyView): boolean => state === 'proposed' || state === 'accepted';
  return (await node.ceremonies()).filter((one) => one.key === key && nounOf(one) === noun && waits(one));
}

/** Whoever proposes the same again gives up what it proposed before: those who were asked are asked anew, or others. */
export async function sayWhatIsReplaced(context: Context, key: string, noun: 'repair' | 'reshare'): Promise<void> {
  const node = context.node();
  const { name } = await node.status();
  const [before] = (await waitingFor(node, key, noun)).filter(({ proposal }) => proposal?.proposer === name);
  if (before === undefined) return;
  const asked = before.waitsFor === undefined ? '' : `, for ${before.waitsFor.join(', ')}`;
  context.say(
    `a ${noun} of ${key} waits already (${shortId(before.id)}${asked}): this one takes its place, and asks anew`,
  );
}

export function progressLine({
  id,
  kind,
  key,
  state,
  round,
  attempt,
  participants,
  needsAccept,
  proposal,
  waitsFor,
  failure,
}: CeremonyView): string {
  const parts = [
    `${nounOf({ kind, proposal })} ${key}: ${state}`,
    ...(round === undefined || state !== 'running' ? [] : [`round ${round}`]),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(participants.length > 0 ? [participants.join(', ')] : []),
    ...(failure === undefined ? [] : [failure.reason]),
    ...(needsAccept && proposal !== undefined ? [whatIsProposed(proposal)] : []),
    ...(needsAccept ? [`waits for this operator: ${acceptWith({ id, proposal })}`] : []),
    ...(waitsFor === undefined ? [] : [`waits for ${waitsFor.join(', ')}, whose operators may have to accept it`]),
  ];
  return printable(parts.join(' · '));
}

function whatIsProposed({ meaning, members, proposer, scheme, threshold }: ProposalView): string {
  return meaning === undefined ? `${proposer} proposes ${scheme}, ${threshold} of ${members.join(', ')}` : meaning;
}
