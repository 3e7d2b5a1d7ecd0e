" In your vimrc: Missy by ALE, beside other linters.
let g:ale_lsp_show_message_severity = 'information'
let g:ale_lsp_show_message_format = '%s'

function! s:DefineMissy() abort
  call ale#linter#Define('python', {
        \ 'name': 'missy',
        \ 'lsp': 'stdio',
        \ 'executable': 'missy-lsp',
        \ 'command': '%e',
        \ 'project_root': {buffer -> fnamemodify(bufname(buffer), ':p:h')},
        \ })
endfunction
autocmd VimEnter * call s:DefineMissy()
