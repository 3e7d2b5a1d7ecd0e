-- :Missy and what it does. The server has the prompts, the routing and the keys; this is windows and questions.
local client = require('missy.client')

local M = {}
local commands = {}
local last_answer ---@type table?
local conversation = {} ---@type { role: string, content: string }[]
local LONGEST = 20 -- turns that a follow-up takes along

--- Take an answer in: a change waits, and a follow-up goes on from here. Without an answer nothing was said.
local function answered(answer, question, earlier, server)
  if not answer then
    return
  end
  last_answer = answer
  if vim.trim(answer.text) ~= '' then
    conversation = vim.list_slice(earlier, math.max(1, #earlier - LONGEST + 3))
    vim.list_extend(conversation, { { role = 'user', content = question }, { role = 'assistant', content = answer.text } })
  end
  if answer.edit then
    require('missy.pending').take(answer.edit, server and server.id)
  end
end

---What a command is about, from before the user is asked anything or the server is: they may go elsewhere meanwhile.
local function meant(options)
  local bufnr = vim.api.nvim_get_current_buf()
  return { bufnr = bufnr, server = client.get(bufnr), target = client.target(options) }
end

local function ask(prompt, subject, earlier)
  local argument = { prompt = prompt, history = #earlier > 0 and earlier or nil }
  if client.is_document(subject.bufnr) then
    argument = vim.tbl_extend('force', subject.target, argument)
  end
  require('missy.stream').start('missy.ask', argument, subject.bufnr, prompt, true, function(answer)
    answered(answer, prompt, earlier, subject.server)
  end, subject.server)
end

local function act(action, subject, more)
  local argument = vim.tbl_extend('force', subject.target, { action = action.id }, more or {})
  if action.when == 'diagnostics' then
    local found = client.diagnostics(subject.bufnr, argument.range)
    argument.diagnostics = #found > 0 and found or nil
  end
  local shows = action.result == 'answer'
  require('missy.stream').start('missy.runAction', argument, subject.bufnr, action.title, shows, function(answer)
    answered(answer, argument.instruction or action.title, {}, subject.server)
  end, subject.server)
end

--- Call `use` with an action of the server's: the one with this id, else one that the user picks.
local function with_action(id, subject, use)
  if not client.find(subject.bufnr) then
    return
  elseif not client.is_document(subject.bufnr) then
    local words = 'the server does not have this buffer. Go to the code that is meant; a buffer without a name needs one (:saveas)'
    return client.notify(words, vim.log.levels.WARN)
  end
  client.command('missy.listActions', subject.target, subject.bufnr, function(actions)
    if not actions then
      return
    end
    local offered = vim.tbl_filter(function(action)
      return action.id == id or (id == nil and action.when ~= 'instruction')
    end, actions)
    if #offered == 1 and id then
      use(offered[1])
    elseif #offered == 0 then
      client.notify(id and ('there is no action ' .. id .. ' here') or 'no action applies here', vim.log.levels.WARN)
    else
      vim.ui.select(offered, {
        prompt = 'Missy action',
        format_item = function(action)
          return action.title
        end,
      }, function(action)
        if action then
          use(action)
        end
      end)
    end
  end, subject.server)
end

local function with_text(text, prompt, use)
  if text ~= '' then
    return use(text)
  end
  vim.ui.input({ prompt = prompt }, function(given)
    if given and vim.trim(given) ~= '' then
      use(given)
    end
  end)
end

---Call `use` with the change that is meant here, if there is one, and the client that has it.
local function with_change(use)
  local id, server = require('missy.pending').id()
  if not id then
    return client.notify('no change waits here')
  end
  use(id, server)
end

---Decide on the change that is meant here; `settled(result)` tells whether it waits no longer.
local function decide(name, settled)
  with_change(function(id, server)
    local pending = require('missy.pending')
    pending.deciding(id, true)
    local sent = client.command(name, { id = id }, 0, function(result, err)
      pending.deciding(id, false)
      if err and not (err.data and err.data.retryable) or result and settled(result) then
        pending.close(id)
      end
    end, server)
    if not sent then
      pending.deciding(id, false)
    end
  end)
end

function commands.ask(text, options)
  local subject = meant(options)
  with_text(text, 'Ask Claude: ', function(prompt)
    ask(prompt, subject, {})
  end)
end

function commands.follow(text, options)
  if #conversation == 0 then
    return client.notify('there is no answer to follow; ask first')
  end
  local subject = meant(options)
  with_text(text, 'Follow up: ', function(prompt)
    ask(prompt, subject, conversation)
  end)
end

function commands.edit(text, options)
  local subject = meant(options)
  with_text(text, 'Edit: ', function(instruction)
    with_action('edit', subject, function(action)
      act(action, subject, { instruction = instruction })
    end)
  end)
end

function commands.action(text, options)
  local subject = meant(options)
  with_action(text ~= '' and text or nil, subject, function(action)
    act(action, subject)
  end)
end

function commands.explain(_, options)
  local subject = meant(options)
  with_action('explain', subject, function(action)
    act(action, subject)
  end)
end

function commands.accept()
  decide('missy.accept', function(edit)
    return edit.status == 'applied'
  end)
end

function commands.discard()
  decide('missy.discard', function()
    return true
  end)
end

function commands.retry(tier)
  with_change(function(id, server)
    local pending = require('missy.pending')
    pending.hide(id)
    local argument = { id = id, tier = tier ~= '' and tier or nil }
    require('missy.stream').start('missy.retry', argument, vim.api.nvim_get_current_buf(), 'retry', false, function(answer)
      if answer then
        pending.close(id)
      end
      if answer and answer.edit then
        pending.take(answer.edit, server and server.id)
      end
    end, server)
  end)
end

function commands.diff()
  with_change(function(id, server)
    client.command('missy.showDiff', { id = id, show = false }, 0, function(edit)
      if edit then
        require('missy.pending').diff(edit, server or client.get(0))
      end
    end, server)
  end)
end

function commands.stop()
  local servers, stopped = vim.lsp.get_clients({ name = 'missy' }), 0
  if #servers == 0 then
    return client.find(0)
  end
  local left = #servers
  for _, server in ipairs(servers) do
    client.command('missy.stop', {}, 0, function(result)
      stopped = stopped + (result and result.stopped or 0)
      left = left - 1
      if left == 0 then
        client.notify(('%d stopped'):format(stopped))
      end
    end, server)
  end
end

function commands.last()
  require('missy.stream').open(nil)
end

function commands.providers()
  client.command('missy.listProviders', {}, 0, function(providers)
    local lines = {}
    for _, provider in ipairs(providers or {}) do
      local state = provider.available and ('available (%s)'):format(provider.model) or ('unavailable (%s)'):format(provider.reason)
      table.insert(lines, ('%s: %s%s'):format(provider.name, state, provider.default and ', default' or ''))
    end
    if providers then
      client.notify('providers\n' .. table.concat(lines, '\n'))
    end
  end)
end

function commands.usage()
  client.command('missy.usage', {}, 0, function(usage)
    if usage then
      local lines = { ('today $%.4f; since %s $%.4f'):format(usage.todayUsd, os.date('%Y-%m-%d', usage.since), usage.total.costUsd) }
      for _, entry in ipairs(usage.byModel) do
        table.insert(lines, ('%s: %d requests, $%.4f'):format(entry.key, entry.requests, entry.costUsd))
      end
      client.notify('usage\n' .. table.concat(lines, '\n'))
    end
  end)
end

---The lines that a chat begins with: what is selected, in a fence that is longer than any in it.
local function chat_lines(options)
  local lines = { '## You', '' }
  if options.range > 0 then
    local code = vim.api.nvim_buf_get_lines(0, options.line1 - 1, options.line2, false)
    local fence = '```'
    for ticks in table.concat(code, '\n'):gmatch('`+') do
      fence = #ticks >= #fence and ticks .. '`' or fence
    end
    local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(0), ':t')
    table.insert(lines, ('Lines %d to %d of %s:'):format(options.line1, options.line2, name ~= '' and name or 'a buffer'))
    vim.list_extend(lines, { '', fence .. vim.bo.filetype })
    vim.list_extend(lines, code)
    vim.list_extend(lines, { fence, '' })
  end
  return vim.list_extend(lines, { '' })
end

function commands.chat(_, options)
  local lines = chat_lines(options)
  -- A file, so that the chat is there after a restart; below the state folder, so that no repository gets it unasked.
  local folder = vim.fs.joinpath(vim.fn.stdpath('state'), 'missy', 'chats')
  vim.fn.mkdir(folder, 'p', tonumber('700', 8))
  vim.cmd.edit(vim.fn.fnameescape(('%s/chat-%s.missy.md'):format(folder, os.date('%Y%m%d-%H%M%S'))))
  vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
  vim.api.nvim_win_set_cursor(0, { #lines, 0 })
  vim.cmd.startinsert()
end

--- Run `:Missy NAME [text]`.
function M.run(options)
  local name, text = vim.trim(options.args):match('^(%S*)%s*(.*)$')
  local command = commands[name]
  if not command then
    return client.notify('there is ' .. table.concat(M.names(), ', '), vim.log.levels.ERROR)
  end
  command(text, options)
end

function M.names()
  local names = vim.tbl_keys(commands)
  table.sort(names)
  return names
end

function M.complete(lead, line)
  if line:match('Missy!?%s+%S+%s') then
    return {}
  end
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, M.names())
end

--- Return a word for the statusline: empty while nothing runs.
function M.statusline()
  local running = require('missy.stream').running()
  return running == 0 and '' or ('Missy: %d running'):format(running)
end

--- Return the last answer, for scripts.
function M.last()
  return last_answer
end

return M
