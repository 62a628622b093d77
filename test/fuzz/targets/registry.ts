/** Every target by its name. */
import type { OpenTarget } from '../target.ts';
import { openConfig, openScenario } from './config.ts';
import { openAssumed, openGate } from './gate.ts';
import { openAdmin, openUpgrade } from './http.ts';
import { openLedger, openLog, openUrls, openVersions } from './texts.ts';
import { openFrames } from './web-socket.ts';
import { openHandshake, openMessages } from './wire.ts';

export const TARGETS: Readonly<Record<string, OpenTarget>> = {
  config: openConfig,
  scenario: openScenario,
  messages: openMessages,
  handshake: openHandshake,
  frames: openFrames,
  upgrade: openUpgrade,
  gate: openGate,
  assumed: openAssumed,
  admin: openAdmin,
  urls: openUrls,
  versions: openVersions,
  ledger: openLedger,
  log: openLog,
};
