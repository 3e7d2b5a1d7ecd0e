;;; missy-tests.el --- Missy in Emacs, as a person would use it -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Run by test_emacs.py, once for each client, against the real server and a
;; scripted upstream.  MISSY_EMACS_CLIENT is eglot, lsp, own (no language
;; client) or beside (Eglot runs the program and argument in MISSY_EMACS_OTHER);
;; MISSY_EMACS_SERVER the server's program, MISSY_EMACS_FILE a file of a
;; project, and MISSY_EMACS_REPORT where the outcome goes, as JSON.

;;; Code:

(setq load-prefer-newer t)
(dolist (folder (directory-files "/usr/share/emacs/site-lisp/elpa-src" t "\\`[a-z]"))
  (add-to-list 'load-path folder))
(add-to-list 'load-path (getenv "MISSY_EMACS_FOLDER"))

(require 'backtrace)
(require 'ert)
(require 'json)
(require 'missy)

(defconst tests-client (intern (getenv "MISSY_EMACS_CLIENT")))
(defconst tests-file (getenv "MISSY_EMACS_FILE"))
(defconst tests-code "import os\n\n\ndef add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n")
(defvar tests-said nil "What was said in the echo area, latest first.")
(defvar tests-choices nil "What the next prompts are answered with.")
(defvar tests-longest 0 "The longest time, in seconds, that a command took.")

(setq missy-server-command (list (getenv "MISSY_EMACS_SERVER"))
      missy-poll-interval 0.5
      python-indent-guess-indent-offset nil
      make-backup-files nil
      create-lockfiles nil)

(advice-add 'message :before
            (lambda (text &rest arguments)
              (when text (push (apply #'format-message text arguments) tests-said))))
(advice-add 'completing-read :override
            (lambda (prompt table &rest _)
              (let ((wanted (pop tests-choices)))
                (or (seq-find (lambda (choice) (string-match-p wanted choice))
                              (all-completions "" table))
                    (error "%s has no %s" prompt wanted)))))
(advice-add 'y-or-n-p :override (lambda (prompt) (error "Asked: %s" prompt)))

(defun tests-until (seconds predicate)
  "Return what PREDICATE returns once it is non-nil, within SECONDS."
  (let ((end (+ (float-time) seconds)) result)
    (while (and (not (setq result (funcall predicate))) (< (float-time) end))
      (accept-process-output nil 0.02))
    (or result (error "Not within %s s; said: %S" seconds tests-said))))

(defun tests-said (words)
  "Wait until WORDS are said."
  (tests-until 20 (lambda () (seq-find (lambda (text) (string-search words text)) tests-said))))

(defun tests-command (function &rest arguments)
  "Call FUNCTION with ARGUMENTS as a command, and note how long Emacs stands still."
  (let ((start (float-time)))
    (prog1 (apply function arguments)
      (setq tests-longest (max tests-longest (- (float-time) start))))))

(defun tests-answers ()
  "Return the text of the answer buffer."
  (if (get-buffer "*Missy*")
      (with-current-buffer "*Missy*" (buffer-string))
    ""))

(defun tests-idle ()
  "Wait until nothing runs."
  (tests-until 20 (lambda () (null missy--runs))))

(defun tests-connect ()
  "Let the client manage the file."
  (pcase tests-client
    ('eglot
     (require 'eglot)
     (setq eglot-sync-connect 20)
     (add-to-list 'eglot-server-programs '(python-mode . missy-eglot-contact))
     (apply #'eglot--connect (eglot--guess-contact)))
    ('beside
     (require 'eglot)
     (setq eglot-sync-connect 20)
     (add-to-list 'eglot-server-programs
                  (cons 'python-mode (split-string (getenv "MISSY_EMACS_OTHER") "\n")))
     (apply #'eglot--connect (eglot--guess-contact)))
    ('lsp
     (require 'lsp-mode)
     (require 'lsp-diagnostics)
     (require 'lsp-modeline) ; what its autoloads would bring when a server registers something
     (setq lsp-session-file (expand-file-name "session" (getenv "HOME"))
           lsp-server-install-dir (expand-file-name "lsp" (getenv "HOME"))
           lsp-auto-guess-root t lsp-enable-file-watchers nil
           lsp-enable-snippet nil lsp-completion-enable nil
           lsp-headerline-breadcrumb-enable nil
           lsp-modeline-code-actions-enable nil lsp-client-packages nil
           lsp-modeline-diagnostics-enable nil lsp-lens-enable nil
           lsp-enable-dap-auto-configure nil lsp-diagnostics-provider :flymake
           lsp-warn-no-matched-clients nil lsp-restart 'ignore)
     (lsp-workspace-folders-add (file-name-directory tests-file))
     (lsp)
     (tests-until 20 (lambda () (missy--lsp-connection))))))

(defun tests-begin ()
  "Go to the file as it was."
  (switch-to-buffer (get-file-buffer tests-file))
  (deactivate-mark)
  (erase-buffer)
  (insert tests-code)
  (goto-char (point-min))
  (forward-line 4)
  (setq tests-said nil tests-choices nil)
  (dolist (name '("*Missy*" "*Missy diff*" "*Missy providers*"))
    (when (get-buffer name) (kill-buffer name)))
  (while missy--pending
    (let ((missy--shown-id (plist-get (car missy--pending) :id)))
      (missy-discard))
    (tests-said "is discarded")
    (setq tests-said nil))
  (undo-boundary))

(defmacro tests-define (name &rest body)
  "Define a test NAME of BODY, which begins in the file as it was."
  (declare (indent 1))
  `(ert-deftest ,name ()
     (tests-begin)
     (unwind-protect
         (progn ,@body)
       (when missy--runs (missy-stop) (tests-idle)))))

(defun tests-propose ()
  "Let the server propose types for the function at point."
  (setq tests-choices '("Add types"))
  (tests-command #'missy-action)
  (tests-said "is ready at line 4"))

(tests-define asking-streams-into-its-buffer-and-the-focus-stays
  (let ((window (selected-window)) (buffer (current-buffer)) seen)
    (tests-command #'missy-ask "what is slow streaming?")
    (tests-until 20 (lambda () (string-search "First" (tests-answers))))
    (setq seen (tests-answers))
    (should-not (string-search "last." seen))
    (should (string-search "answering" (with-current-buffer "*Missy*" header-line-format)))
    (tests-idle)
    (should (eq window (selected-window)))
    (should (eq buffer (current-buffer)))
    (should (string-match-p
             (concat "# what is slow streaming\\?\n\nFirst piece, then the last\\.\n\n"
                     "\\*claude-[a-z0-9-]+ · [a-z]+ · [0-9]+ tokens · \\$0\\.[0-9]+\\*\n")
             (tests-answers)))))

(tests-define the-region-is-what-is-asked-about
  (set-mark (point-min))
  (activate-mark)
  (let ((transient-mark-mode t))
    (tests-command #'missy-ask "which lines? repeat the place"))
  (tests-idle)
  (should (string-search "You asked about lines 1-4." (tests-answers))))

(tests-define unsaved-text-is-what-is-asked-about
  (insert "    # unsaved ä😀\n")
  (tests-command #'missy-ask "repeat unsaved")
  (tests-idle)
  (should (string-search "unsaved was there" (tests-answers))))

(tests-define a-follow-up-takes-the-last-answer-along
  (tests-command #'missy-ask "what is slow streaming?")
  (tests-idle)
  (tests-command #'missy-follow-up "repeat history")
  (tests-idle)
  (should (string-search "history was there" (tests-answers))))

(tests-define a-proposed-change-can-be-followed-by-questions
  (tests-propose)
  (tests-command #'missy-follow-up "repeat the change")
  (tests-idle)
  (should (string-search "the change was there" (tests-answers)))
  (tests-command #'missy-follow-up "repeat the change and more")
  (tests-idle)
  (should (string-search "and what followed it" (tests-answers)))
  (tests-command #'missy-ask "wrong key")
  (tests-idle)
  (should (= 3 (length missy--conversation))))

(tests-define what-was-spent-is-shown
  (tests-command #'missy-ask "what is slow streaming?")
  (tests-idle)
  (tests-command #'missy-usage)
  (tests-until 20 (lambda () (get-buffer "*Missy usage*")))
  (with-current-buffer "*Missy usage*"
    (should (string-match-p "Today \\$0\\.[0-9]+; since" (buffer-string)))
    (should (string-match-p "By model:\n  claude-[a-z0-9-]+ +[0-9]+ requests" (buffer-string)))
    (should (string-search "By day:" (buffer-string)))))

(tests-define stop-ends-a-request-at-once
  (tests-command #'missy-ask "never end")
  (tests-until 20 (lambda () (string-search "Working" (tests-answers))))
  (tests-command #'missy-stop)
  (tests-said "1 stopped")
  (tests-idle)
  (should (string-search "incomplete (cancelled)" (tests-answers))))

(tests-define a-refused-key-is-told-in-a-sentence
  (tests-command #'missy-ask "wrong key")
  (tests-idle)
  (should (tests-said "key"))
  (should-not (string-search "sk-ant" (format "%s %s" tests-said (tests-answers))))
  (should (string-search "\n*" (tests-answers))))

(tests-define an-action-proposes-and-accept-is-one-undo
  (insert "# mine\n")
  (undo-boundary)
  (let ((before (buffer-string)))
    (tests-propose)
    (should (equal before (buffer-string)))
    (should (= 1 (length missy--pending)))
    (tests-command #'missy-accept)
    (tests-said "the change is applied")
    (should (string-search "def add(a: int, b: int) -> int:" (buffer-string)))
    (should-not missy--pending)
    (undo-boundary)
    (let ((last-command nil)) (undo))
    (should (equal before (buffer-string)))))

(tests-define a-change-lands-where-its-code-is-after-other-edits
  (tests-propose)
  (goto-char (point-min))
  (insert "# one\n# two\n")
  (tests-command #'missy-accept)
  (tests-said "the change is applied")
  (should (string-prefix-p "# one\n# two\nimport os\n\n\ndef add(a: int" (buffer-string))))

(tests-define a-change-whose-code-was-changed-is-not-applied
  (tests-propose)
  (goto-char (point-min))
  (search-forward "a + b")
  (insert " + 0")
  (let ((before (buffer-string)))
    (tests-command #'missy-accept)
    (tests-said "changed")
    (should (equal before (buffer-string)))))

(tests-define discard-leaves-the-document-alone
  (let ((before (buffer-string)))
    (tests-propose)
    (tests-command #'missy-discard)
    (tests-said "is discarded")
    (should-not missy--pending)
    (should (equal before (buffer-string)))
    (should-error (missy-accept) :type 'user-error)))

(tests-define the-diff-is-shown-and-decided-on-there
  (tests-propose)
  (tests-command #'missy-diff)
  (tests-until 20 (lambda () (get-buffer "*Missy diff*")))
  (with-current-buffer "*Missy diff*"
    (should (derived-mode-p 'diff-mode))
    (should (string-search "+def add(a: int, b: int) -> int:" (buffer-string)))
    (should (eq #'missy-accept (key-binding (kbd "C-c C-c"))))
    (tests-command #'missy-accept))
  (tests-said "the change is applied")
  (should-not (get-buffer "*Missy diff*")))

(tests-define several-changes-are-told-apart
  (tests-propose)
  (setq tests-said nil)
  (goto-char (point-max))
  (set-mark (point))
  (forward-line -2)
  (activate-mark)
  (let ((transient-mark-mode t))
    (tests-command #'missy-edit "type the second one"))
  (deactivate-mark)
  (tests-said "is ready at line 8")
  (should (= 2 (length missy--pending)))
  (goto-char (point-min))
  (setq tests-choices '(":8 "))
  (tests-command #'missy-discard)
  (tests-said "is discarded")
  (tests-command #'missy-accept)
  (tests-said "the change is applied")
  (should (string-search "def add(a: int" (buffer-string)))
  (should (string-search "def sub(a, b)" (buffer-string))))

(defun tests-propose-files ()
  "Let the model propose a change of this file and a new one."
  (let ((file (expand-file-name "renamed.md" (file-name-directory tests-file))))
    (when (file-exists-p file) (delete-file file))
    (tests-command #'missy-ask "rename add everywhere")
    (tests-said "a change waits for review (a.py, renamed.md)")
    (should-not (file-exists-p file))
    file))

(tests-define several-files-are-looked-at-and-accepted-as-one
  (let ((file (tests-propose-files)))
    (setq tests-choices '("^Missy proposes a change of 2 files"))
    (tests-command #'missy-diff)
    (tests-until 20 (lambda () (get-buffer "*Missy diff*")))
    (with-current-buffer "*Missy diff*"
      (should (string-search "+def plus(a, b):" (buffer-string)))
      (should (string-search "+`add` is `plus` now." (buffer-string))))
    (setq tests-choices '("^Missy proposes a change of 2 files"))
    (tests-command #'missy-accept)
    (tests-said "the change is applied")
    (should (string-search "def plus(a, b):" (buffer-string)))
    (should (file-exists-p file))
    (should-not missy--pending)
    (undo-boundary)
    (undo)
    (should (string-search "def add(a, b):" (buffer-string)))))

(tests-define one-file-of-several-is-accepted-and-the-rest-let-go
  (let ((file (tests-propose-files)))
    (tests-until 20 (lambda () (missy--note-lsp-diagnostics) (cdr missy--pending)))
    (setq tests-choices '("^a\\.py:"))
    (tests-command #'missy-accept)
    (tests-said "the change is applied")
    (should (string-search "def plus(a, b):" (buffer-string)))
    (tests-command #'missy-discard)
    (tests-said "is discarded")
    (should-not (file-exists-p file))
    (should-not missy--pending)))

(tests-define retry-proposes-anew
  (tests-propose)
  (let ((first (plist-get (car missy--pending) :id)))
    (setq tests-said nil)
    (tests-command #'missy-retry "premium")
    (tests-said "is ready at line 4")
    (should (= 1 (length missy--pending)))
    (should-not (equal first (plist-get (car missy--pending) :id)))))

(tests-define a-retry-that-fails-leaves-the-change
  (tests-propose)
  (let ((first (plist-get (car missy--pending) :id)))
    (goto-char (point-max))
    (insert "# wrong key\n")
    (goto-char (point-min))
    (tests-command #'missy-retry)
    (tests-idle)
    (should (equal (list first) (mapcar (lambda (edit) (plist-get edit :id)) missy--pending)))
    (tests-command #'missy-accept)
    (tests-said "the change is applied")
    (should-not missy--pending)))

(tests-define explain-answers-in-the-buffer
  (tests-command #'missy-explain)
  (tests-idle)
  (should (string-search "# Explain\n" (tests-answers)))
  (should-not missy--pending))

(tests-define providers-are-listed
  (tests-command #'missy-providers)
  (tests-until 20 (lambda () (get-buffer "*Missy providers*")))
  (should (equal "Providers:\n  anthropic: available (claude-sonnet-4-6), default\n"
                 (with-current-buffer "*Missy providers*" (buffer-string)))))

(tests-define another-buffer-than-a-document-can-ask-too
  (with-temp-buffer
    (rename-buffer "*Missy scratch*")
    (tests-command #'missy-ask "repeat nothing")
    (tests-idle))
  (should (string-search "there was no document" (tests-answers))))

(tests-define progress-of-others-is-left-to-the-client
  (let (others)
    (pcase tests-client
      ('lsp (let ((lsp-progress-function (lambda (_ params) (push params others))))
              (missy--lsp-progress nil '(:token "x" :value (:kind "begin" :title "t")))))
      ('eglot (cl-letf (((symbol-function 'missy--take-progress)
                         (lambda (token value) (push (list token value) others) nil)))
                (eglot-handle-notification (eglot-current-server) '$/progress
                                           :token "x" :value '(:kind "begin" :title "t"))))
      (_ (push t others)))
    (should others)))

(tests-define the-server-is-never-taken-from-the-project
  (let* ((default-directory (file-name-directory tests-file))
         (stranger (expand-file-name "missy-lsp" default-directory))
         (exec-path (list default-directory "."))
         (missy-server-command missy-server-command))
    (with-temp-file stranger (insert "#!/bin/sh\n"))
    (set-file-modes stranger #o755)
    (set-default-toplevel-value 'missy-server-command '("missy-lsp"))
    (unwind-protect
        (progn
          (should-error (missy--command) :type 'user-error)
          (let* ((server (getenv "MISSY_EMACS_SERVER"))
                 (exec-path (append exec-path (list (file-name-directory server)))))
            (should (equal server (car (missy--command)))))
          (set-default-toplevel-value 'missy-server-command '("./missy-lsp"))
          (should-error (missy--command) :type 'user-error)
          (should-not (safe-local-variable-p 'missy-server-command '("missy-lsp")))
          (should (risky-local-variable-p 'missy-server-command)))
      (set-default-toplevel-value 'missy-server-command (list (getenv "MISSY_EMACS_SERVER")))
      (delete-file stranger))))

(tests-define a-buffer-without-a-file-is-a-document-of-its-own
  (when (memq tests-client '(own beside))
    (with-temp-buffer
      (rename-buffer "notes")
      (insert "def add(a, b):\n    return a + b\n")
      (python-mode)
      (goto-char (point-min))
      (setq tests-choices '("Add types"))
      (tests-command #'missy-action)
      (tests-said "is ready at line 1")
      (should (seq-find (lambda (overlay) (overlay-get overlay 'face)) (overlays-at (point))))
      (tests-command #'missy-accept)
      (tests-said "the change is applied")
      (should (string-prefix-p "def add(a: int" (buffer-string)))
      (should-not (overlays-in (point-min) (point-max))))))

(tests-define two-answers-at-once-stay-apart
  (tests-command #'missy-ask "hold on")
  (tests-until 20 (lambda () (string-search "Working" (tests-answers))))
  (tests-command #'missy-ask "what is slow streaming?")
  (tests-until 20 (lambda () (string-search "then the last." (tests-answers))))
  (tests-until 20 (lambda () (null (cdr missy--runs))))
  (tests-command #'missy-stop)
  (tests-idle)
  (should (string-match-p
           (concat "\\`# hold on\n\nWorking\n\n\\*.* incomplete (cancelled)\\*\n\n"
                   "# what is slow streaming\\?\n\nFirst piece, then the last\\.\n\n\\*claude")
           (tests-answers))))

(tests-define a-long-answer-is-not-copied-for-each-of-its-pieces
  (let* ((run (missy--make-run :token "long" :title "t" :question "q" :showsp t :news 0))
         (missy--runs (list run))
         (piece (make-string 400 ?x))
         (before string-chars-consed))
    (missy--open-answer run)
    (dotimes (_ 200)
      (missy--take-progress "long" (list :kind "text" :text piece)))
    (should (string-search (make-string (* 200 400) ?x) (tests-answers)))
    (should (< (- string-chars-consed before) (* 10 200 400)))))

(tests-define a-document-is-followed-when-it-gets-a-name-and-another-mode
  (when (memq tests-client '(own beside))
    (let ((file (expand-file-name "draft.py" (file-name-directory tests-file)))
          (draft (get-buffer-create "draft")))
      (with-current-buffer draft
        (insert "def add(a, b):\n    return a + b\n")
        (python-mode)
        (goto-char (point-min))
        (tests-command #'missy-ask "repeat nothing")
        (tests-idle)
        (set-visited-file-name file t)
        (setq tests-choices '("Add types"))
        (tests-command #'missy-action)
        (tests-said "is ready at line 1")
        (tests-command #'missy-discard)
        (tests-said "is discarded")
        (set-buffer-modified-p nil)
        (text-mode)
        (kill-buffer))
      (dolist (connection missy--connections)
        (should-not (gethash draft (missy--connection-documents connection)))))))

(tests-define a-byte-that-is-no-character-is-no-obstacle
  (when (eq tests-client 'own)
    (with-temp-buffer
      (rename-buffer "bytes")
      (insert "# unsaved ä😀" (unibyte-char-to-multibyte #x80) "\n")
      (tests-command #'missy-ask "repeat unsaved")
      (tests-idle))
    (should (string-search "unsaved was there" (tests-answers)))))

(defun tests-report ()
  "Run everything and write down what came of it."
  (let (outcomes)
    (condition-case problem
        (progn
          (find-file tests-file)
          (tests-connect))
      ((error) (push (cons "set-up" (format "%S\nsaid: %S" problem tests-said)) outcomes)))
    (unless outcomes
      (ert-run-tests
       t (lambda (event &rest arguments)
           (when (eq event 'test-ended)
             (pcase-let ((`(,_ ,test ,result) arguments))
               (push (cons (symbol-name (ert-test-name test))
                           (tests-outcome result))
                     outcomes))))))
    (push (cons "longest" tests-longest) outcomes)
    (with-temp-file (getenv "MISSY_EMACS_REPORT")
      (insert (json-encode outcomes)))))

(defun tests-outcome (result)
  "Return a description of RESULT, empty where all is well."
  (cond ((ert-test-passed-p result) "")
        ((ert-test-result-with-condition-p result)
         (with-temp-buffer
           (insert (format "%S\nsaid: %S\n" (ert-test-result-with-condition-condition result)
                           tests-said))
           (insert (backtrace-to-string (ert-test-result-with-condition-backtrace result)))
           (buffer-string)))
        (t (format "%S" (type-of result)))))

(tests-report)
(kill-emacs 0)
;;; missy-tests.el ends here
